"""What a retriever costs: latency, throughput, sizes, memory, on a machine whose speed is on record."""

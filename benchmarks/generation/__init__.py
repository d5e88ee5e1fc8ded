"""What a language model is asked and what it answers: every answer kept, priced, attributed and replayable."""

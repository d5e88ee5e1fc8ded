"""BoW-MLP, the shallow towers that Chang et al. 2020 compare theirs with; the recipes are in `pretraining_tasks`."""

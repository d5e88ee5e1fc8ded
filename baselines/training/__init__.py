"""How a checkpoint is made from a recipe; what several papers' trainings share."""

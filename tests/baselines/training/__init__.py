"""The floor that all trainings stand on."""

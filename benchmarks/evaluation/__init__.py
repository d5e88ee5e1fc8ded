"""From runs and judgments to numbers: the ranking order, measures, answer matching, tests."""

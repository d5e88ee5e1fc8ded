SUITES = None

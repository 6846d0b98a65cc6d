"""What is learned: calibration networks, the trainer that makes their weights, and the weights."""

"""Linear models of the reward with their posterior: bounds, posterior sampling, inverse-gap weighting."""

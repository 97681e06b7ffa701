"""Going to another version of a model, and back: proposed by anyone, approved by a person."""

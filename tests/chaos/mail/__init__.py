"""The mail services of the rounds, which misbehave when told to, and what they have received."""

"""The worked examples: a model, its trace, and what a tutorial says beside what is right."""

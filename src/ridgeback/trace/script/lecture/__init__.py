"""What a script says between its two blocks and its last line, as templates: one module a part of the lecture."""

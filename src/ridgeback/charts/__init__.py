"""Pages that need nothing else and charts as inline SVG: text from numbers, without a script or a library."""

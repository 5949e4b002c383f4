"""``python -m ridgeback`` is the command ``ridgeback``."""

from ridgeback.cli import main

if __name__ == "__main__":
    main()

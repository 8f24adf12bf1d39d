"""`python -m dawndusk` is the `dawndusk` command."""

from dawndusk.studies.cli import main

if __name__ == "__main__":
    main()

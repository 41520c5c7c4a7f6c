"""What a key holds: versions of readers and stages, and settings; never the package's version."""

"""What is made once for a release: locks, schemata, and files shipped beside a model."""

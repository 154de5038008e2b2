"""What a person sees: jobs, their live progress, and the finished media inline."""

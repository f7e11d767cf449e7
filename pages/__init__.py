"""What a person sees: one file a page, which reads state, calls core and places charts."""

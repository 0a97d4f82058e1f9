"""The fields of the drawer (`drawer`, `recipe_fields`, `memory_field`), and fields to settings (`form`)."""

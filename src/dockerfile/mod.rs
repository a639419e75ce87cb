//! Dockerfiles: text to stages, and what each instruction does to the image.

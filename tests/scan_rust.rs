//! The scanner of rust on marked fixtures.

mod marked;

#[test]
fn marked_programs_are_found_and_no_others() {
    marked::check("rust");
}

//! The scanner of javascript on marked fixtures.

mod marked;

#[test]
fn marked_programs_are_found_and_no_others() {
    marked::check("javascript");
}

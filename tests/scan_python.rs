//! The scanner of python on marked fixtures.

mod marked;

#[test]
fn marked_programs_are_found_and_no_others() {
    marked::check("python");
}

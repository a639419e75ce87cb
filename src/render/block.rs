//! The managed block of a hand-written Dockerfile: the lines between two markers, which rendering keeps up to date.
//!
//! Everything outside of the markers stays as it is, byte for byte.

/// The line that starts a managed block.
pub const BEGIN: &str = "# aboard:begin packages";
/// The line that ends it.
pub const END: &str = "# aboard:end";

/// What is wrong with the markers, and the byte at which the line stands that shows it.
pub(super) type Fault = (&'static str, usize);

/// Where the managed block's own lines start and end; nothing where a text has no markers.
pub(super) fn find(text: &str) -> Result<Option<(usize, usize)>, Fault> {
    bounds(&marked_lines(text))
}

/// A marker line of a hand-written Dockerfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Begin,
    End,
}

/// The marker lines: which, where the line starts, and where the next one does.
fn marked_lines(text: &str) -> Vec<(Marker, usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.join(" ").as_str() {
            BEGIN => found.push((Marker::Begin, at, at + line.len())),
            END => found.push((Marker::End, at, at + line.len())),
            _ => {}
        }
        at += line.len();
    }
    found
}

fn bounds(lines: &[(Marker, usize, usize)]) -> Result<Option<(usize, usize)>, Fault> {
    match lines {
        [] => Ok(None),
        [(Marker::Begin, _, start), (Marker::End, end, _)] => Ok(Some((*start, *end))),
        [(Marker::End, at, _), ..] => Err(("a managed block ends here that does not begin", *at)),
        [(Marker::Begin, at, _)] => Err(("the managed block that begins here does not end", *at)),
        [_, (Marker::Begin, at, _), ..] => Err(("a managed block begins inside of another", *at)),
        [_, _, (_, at, _), ..] => Err(("a Dockerfile has one managed block, and here is a second one", *at)),
    }
}

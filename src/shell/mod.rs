//! Shell code as text: where its quotes, expansions and here-documents stand, and the commands it is made of.
//!
//! What the commands do is not known here: [`crate::scan::shell`] reads which programs they run, [`crate::dockerfile`] what
//! they put into an image.

pub(crate) mod lex;
pub(crate) mod parse;

//! A progress bar for downloads: on a terminal alone, on stderr, gone when the work is done.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// A bar over the bytes of one or more downloads; nothing where nobody would see it.
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar that appears with the first byte.
    pub fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let style = ProgressStyle::with_template("{msg} {bytes} {bar:30} {total_bytes}");
        let bar = style.ok().filter(|_| shown).map(|style| ProgressBar::no_length().with_style(style));
        Self { bar }
    }

    /// Told what was received of an address so far, and the whole where it is known.
    pub fn received(&self, address: &str, bytes: u64, whole: Option<u64>) {
        let Some(bar) = &self.bar else { return };
        bar.set_message(super::human::clean(address));
        if let Some(whole) = whole {
            bar.set_length(whole);
        }
        bar.set_position(bytes);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

//! What is received from a channel: whatever is sent to it.

use super::engine::Engine;
use super::load::UnitId;
use super::syntax::Part;
use super::types::At;
use super::value::{Kind, Set};

impl Engine<'_> {
    /// What is sent to the channel that a `make` has made, in its own package.
    pub(crate) fn sent_to(&mut self, made: At) -> Set {
        let program = self.program;
        let package = program.unit(made.unit).package;
        let units: Vec<UnitId> = program.package(package).units.clone();
        let mut set = Set::default();
        for unit in units {
            if !program.unit(unit).text().contains("<-") {
                continue;
            }
            let syntax = program.syntax(unit);
            for (sent, channel) in syntax.parts().flat_map(Part::sends) {
                let value = At { unit, expr: sent };
                if !self.is_live(unit, syntax.expr(value.expr).range.start) {
                    continue;
                }
                let channels = self.eval(At { unit, expr: channel }, 0);
                if channels.values.iter().any(|channel| channel.kind == Kind::Channel(made)) {
                    let span = syntax.expr_span(value.expr);
                    set.extend(self.eval(value, 0).step("sent to the channel", span));
                }
            }
        }
        set
    }
}

//! Which calls through an interface can run a method: where all values that are called on are known, and each has its own
//! method of that name, the method of another type is not run there.
//!
//! That keeps apart what runs here from what a type of the same interface runs elsewhere, in a container or over ssh. It
//! refuses where any value is not known, and where a type may have the method from another that it embeds.

use super::engine::{CallSite, Engine};
use super::syntax::ExprKind;
use super::types::{At, FuncAt, Member, Shape, Ty};
use super::value::{Kind, Value};
use std::rc::Rc;

/// How many calls through interfaces one method may have for their values to be looked at.
const MAX_CALLS: usize = 60;

impl Engine<'_> {
    /// The calls that may run a function, without those through an interface that run another type's method.
    pub(crate) fn callers_by_type(&mut self, func: FuncAt) -> Rc<Vec<CallSite>> {
        let calls = self.callers_of(func);
        if self.program.syntax(func.unit).func(func.func).receiver.is_none() {
            return calls;
        }
        if let Some(known) = self.callers_by_type.get(&func) {
            return Rc::clone(known);
        }
        let fewer = self.without_other_types(func, &calls).map_or(calls, Rc::new);
        self.callers_by_type.insert(func, Rc::clone(&fewer));
        fewer
    }

    fn without_other_types(&mut self, func: FuncAt, calls: &[CallSite]) -> Option<Vec<CallSite>> {
        let through = |engine: &mut Self, call: At| match engine.program.syntax(call.unit).kind(call.expr) {
            ExprKind::Call { fun, .. } => {
                matches!(engine.member(At { unit: call.unit, expr: *fun }), Member::Interface(..))
            }
            _ => false,
        };
        let dynamic: Vec<At> = calls.iter().map(|site| site.call).filter(|&call| through(self, call)).collect();
        if dynamic.is_empty() || dynamic.len() > MAX_CALLS {
            return None;
        }
        let others: Vec<At> = dynamic.into_iter().filter(|&call| self.is_of_other_type(call, func)).collect();
        (!others.is_empty()).then(|| calls.iter().filter(|site| !others.contains(&site.call)).copied().collect())
    }

    fn is_of_other_type(&mut self, call: At, func: FuncAt) -> bool {
        let Some(base) = self.receiver_of(call) else { return false };
        let Some(values) = self.eval_aside(base) else { return false };
        let mut known = values.values.iter().filter(|value| value.kind != Kind::Nil).peekable();
        known.peek().is_some() && known.all(|value| self.has_another_method(value, func))
    }

    /// Whether a value's own type has a method of that name, and it is another one.
    fn has_another_method(&mut self, value: &Value, func: FuncAt) -> bool {
        let mut ty = match &value.kind {
            Kind::Composite(at, _) => self.type_of(*at),
            Kind::Object(ty) => ty.clone(),
            _ => return false,
        };
        if let Shape::Pointer(inner) = self.shape_of(&ty) {
            ty = inner;
        }
        let Shape::Named { package, name, inner } = self.shape_of(&ty) else { return false };
        if matches!(self.shape_of(&inner), Shape::Interface(_)) || ty == Ty::Unknown {
            return false;
        }
        let method = &self.program.syntax(func.unit).func(func.func).name;
        self.method(package, &name, method).is_some_and(|own| own != func)
    }
}

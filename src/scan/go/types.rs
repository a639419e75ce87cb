//! As much of Go's types as value following needs: the named type behind an expression, its fields and methods.
//!
//! Types are read from declarations, not checked. What is generic, built in or without sources is [`Shape::Unknown`] or
//! [`Shape::External`]; nothing is guessed from names.

use super::engine::Engine;
use super::load::{PackageId, UnitId};
use super::syntax::{Decl, ExprId, ExprKind, FuncId, Op, Parent, Source, VarId};
use std::rc::Rc;

/// How many declarations one type may go through.
const MAX_STEPS: u32 = 24;

/// An expression in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct At {
    pub unit: UnitId,
    pub expr: ExprId,
}

/// A function in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FuncAt {
    pub unit: UnitId,
    pub func: FuncId,
}

/// A variable in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct VarAt {
    pub unit: UnitId,
    pub var: VarId,
}

/// A field: the struct type and the field's place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FieldAt {
    pub unit: UnitId,
    pub ty: ExprId,
    pub index: u32,
}

/// A type as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    Unknown,
    /// A type expression.
    Written(At),
    Pointer(Rc<Ty>),
    List(Rc<Ty>),
    /// The signature of a function.
    Func(FuncAt),
    /// A type of a package without sources.
    External(Rc<str>, Rc<str>),
    Text,
    /// Several results.
    Results(Vec<Ty>),
}

/// What a type is made of, one layer deep.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Unknown,
    Pointer(Ty),
    List(Ty),
    Map(Ty),
    Chan(Ty),
    Struct(At),
    Interface(At),
    Func(Vec<Ty>),
    Named { package: PackageId, name: String, inner: Ty },
    External(Rc<str>, Rc<str>),
    Text,
}

/// What a selector names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Field(FieldAt),
    Method(FuncAt),
    /// A method of an interface type; with its results.
    Interface(At, Vec<At>),
    /// A member of a type without sources.
    External(Rc<str>, Rc<str>),
    Unknown,
}

/// What a name or a package-qualified name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Var(VarAt),
    Func(FuncAt),
    Type(At),
    /// A member of a package without sources.
    External(Rc<str>, Rc<str>),
    Builtin,
    Unknown,
}

impl Engine<'_> {
    /// What an identifier or a selector over a package name stands for; nothing for a selector over a value.
    pub(crate) fn meaning(&mut self, at: At) -> Option<Meaning> {
        let syntax = self.program.syntax(at.unit);
        match syntax.kind(at.expr) {
            ExprKind::Ident => Some(self.name_meaning(at)),
            ExprKind::Selector { base, name } => {
                if !matches!(syntax.kind(*base), ExprKind::Ident) || syntax.resolve(*base).is_some() {
                    return None;
                }
                let import = self.program.import_of(at.unit, syntax.name(*base))?;
                Some(self.imported(import, syntax.str(*name)))
            }
            _ => None,
        }
    }

    fn name_meaning(&mut self, at: At) -> Meaning {
        let syntax = self.program.syntax(at.unit);
        let name = syntax.name(at.expr);
        if let Some(var) = syntax.resolve(at.expr) {
            return Meaning::Var(VarAt { unit: at.unit, var });
        }
        let package = self.program.unit(at.unit).package;
        if let Some(meaning) = self.package_member(package, name) {
            return meaning;
        }
        for import in &self.program.unit(at.unit).head.imports {
            if import.alias.as_deref() == Some(".") {
                let meaning = self.imported(&import.path, name);
                if self.program.by_import(&import.path).is_none() && name.starts_with(char::is_uppercase) {
                    return meaning;
                }
                if !matches!(meaning, Meaning::Unknown | Meaning::External(..)) {
                    return meaning;
                }
            }
        }
        Meaning::Builtin
    }

    /// A package-level declaration.
    pub(crate) fn package_member(&mut self, package: PackageId, name: &str) -> Option<Meaning> {
        if let Some(known) = self.members.get(&package).and_then(|members| members.get(name)) {
            return known.clone();
        }
        let found = self.program.decl(package, name).map(|(unit, decl)| match decl {
            Decl::Func(func) => Meaning::Func(FuncAt { unit, func }),
            Decl::Var(var) => Meaning::Var(VarAt { unit, var }),
            Decl::Type(expr) => Meaning::Type(At { unit, expr }),
        });
        self.members.entry(package).or_default().insert(name.to_owned(), found.clone());
        found
    }

    fn imported(&mut self, import: &str, name: &str) -> Meaning {
        match self.program.by_import(import) {
            Some(package) if !self.program.package(package).units.is_empty() => {
                self.package_member(package, name).unwrap_or(Meaning::Unknown)
            }
            _ => Meaning::External(import.into(), name.into()),
        }
    }

    /// The type of an expression.
    pub(crate) fn type_of(&mut self, at: At) -> Ty {
        if let Some(known) = self.types.get(&at) {
            return known.clone();
        }
        if self.type_depth > MAX_STEPS {
            return Ty::Unknown;
        }
        self.type_depth += 1;
        // A type that depends on itself is unknown where it comes round again.
        self.types.insert(at, Ty::Unknown);
        let ty = self.type_of_inner(at);
        self.type_depth -= 1;
        self.types.insert(at, ty.clone());
        ty
    }

    fn type_of_inner(&mut self, at: At) -> Ty {
        let syntax = self.program.syntax(at.unit);
        let here = |expr: ExprId| At { unit: at.unit, expr };
        match syntax.kind(at.expr) {
            ExprKind::Ident | ExprKind::Selector { .. } => match self.meaning(at) {
                Some(Meaning::Var(var)) => self.type_of_var(var),
                Some(Meaning::Func(func)) => Ty::Func(func),
                Some(Meaning::External(import, name)) => external_value(&import, &name),
                Some(Meaning::Type(_)) => Ty::Written(at),
                Some(Meaning::Builtin | Meaning::Unknown) => Ty::Unknown,
                None => self.type_of_member(at),
            },
            ExprKind::Text(_) => Ty::Text,
            ExprKind::Call { .. } => match self.type_of_call(at) {
                Ty::Results(mut results) if !results.is_empty() => results.swap_remove(0),
                ty => ty,
            },
            ExprKind::Index { base, .. } => {
                let ty = self.type_of(here(*base));
                match self.shape_of(&ty) {
                    Shape::List(item) | Shape::Map(item) => item,
                    Shape::Pointer(inner) => match self.shape_of(&inner) {
                        Shape::List(item) => item,
                        _ => Ty::Unknown,
                    },
                    // An instantiated generic function.
                    Shape::Func(_) => ty,
                    _ => Ty::Unknown,
                }
            }
            ExprKind::Slice { base, .. } => self.type_of(here(*base)),
            ExprKind::Composite { ty: Some(ty), .. } => Ty::Written(here(*ty)),
            ExprKind::Composite { ty: None, .. } => self.elided_type(at),
            ExprKind::Func(func) => Ty::Func(FuncAt { unit: at.unit, func: *func }),
            ExprKind::Star(x) => {
                let inner = self.type_of(here(*x));
                match self.shape_of(&inner) {
                    Shape::Pointer(inner) => inner,
                    _ => inner,
                }
            }
            ExprKind::Address(x) => Ty::Pointer(Rc::new(self.type_of(here(*x)))),
            ExprKind::Receive(x) => {
                let channel = self.type_of(here(*x));
                match self.shape_of(&channel) {
                    Shape::Chan(item) => item,
                    _ => Ty::Unknown,
                }
            }
            ExprKind::Binary { op: Op::Add, left, right } => match self.type_of(here(*left)) {
                Ty::Unknown => self.type_of(here(*right)),
                ty => ty,
            },
            ExprKind::Assert { ty, .. } => Ty::Written(here(*ty)),
            ExprKind::SliceType(_)
            | ExprKind::MapType { .. }
            | ExprKind::ChanType(_)
            | ExprKind::StructType(_)
            | ExprKind::InterfaceType(_)
            | ExprKind::FuncType { .. } => Ty::Written(at),
            _ => Ty::Unknown,
        }
    }

    /// The type of a variable.
    pub(crate) fn type_of_var(&mut self, at: VarAt) -> Ty {
        let syntax = self.program.syntax(at.unit);
        let var = syntax.var(at.var);
        if let Some(expr) = var.ty {
            let ty = Ty::Written(At { unit: at.unit, expr });
            let variadic = match var.source {
                Source::Param { func, index } => {
                    syntax.func(func).params.get(index as usize).is_some_and(|param| param.variadic)
                }
                _ => false,
            };
            return if variadic { Ty::List(Rc::new(ty)) } else { ty };
        }
        match var.source {
            Source::Value { expr, index, count } => {
                let from = At { unit: at.unit, expr };
                if count == 1 && index == 0 {
                    return self.type_of(from);
                }
                if matches!(syntax.kind(expr), ExprKind::Call { .. }) {
                    return match self.type_of_call(from) {
                        Ty::Results(results) => results.get(index as usize).cloned().unwrap_or(Ty::Unknown),
                        ty if index == 0 => ty,
                        _ => Ty::Unknown,
                    };
                }
                if index == 0 { self.type_of(from) } else { Ty::Unknown }
            }
            Source::Range { over, key } => {
                let over = self.type_of(At { unit: at.unit, expr: over });
                match self.shape_of(&over) {
                    Shape::List(item) | Shape::Map(item) if !key => item,
                    Shape::Chan(item) => item,
                    Shape::Pointer(inner) if !key => match self.shape_of(&inner) {
                        Shape::List(item) => item,
                        _ => Ty::Unknown,
                    },
                    _ => Ty::Unknown,
                }
            }
            _ => Ty::Unknown,
        }
    }

    /// The type of a call, with all its results.
    pub(crate) fn type_of_call(&mut self, at: At) -> Ty {
        let syntax = self.program.syntax(at.unit);
        let ExprKind::Call { fun, args, .. } = syntax.kind(at.expr) else { return Ty::Unknown };
        let here = |expr: ExprId| At { unit: at.unit, expr };
        let mut fun = *fun;
        while let ExprKind::Index { base, .. } = syntax.kind(fun) {
            let ty = self.type_of(here(fun));
            if ty != Ty::Unknown && !matches!(ty, Ty::Func(_)) {
                break;
            }
            fun = *base;
        }
        match self.meaning(here(fun)) {
            Some(Meaning::Type(_)) => return Ty::Written(here(fun)),
            Some(Meaning::External(import, name)) => return external_result(&import, &name),
            Some(Meaning::Builtin) => {
                return match (syntax.name(fun), args.first()) {
                    ("new", Some(&ty)) => Ty::Pointer(Rc::new(Ty::Written(here(ty)))),
                    ("make", Some(&ty)) => Ty::Written(here(ty)),
                    ("append" | "min" | "max", Some(&first)) => self.type_of(here(first)),
                    ("string", _) => Ty::Text,
                    _ => Ty::Unknown,
                };
            }
            _ => {}
        }
        if matches!(
            syntax.kind(fun),
            ExprKind::SliceType(_) | ExprKind::MapType { .. } | ExprKind::Star(_) | ExprKind::FuncType { .. }
        ) {
            return Ty::Written(here(fun));
        }
        let ty = self.type_of(here(fun));
        match self.shape_of(&ty) {
            Shape::Func(results) => Ty::Results(results),
            Shape::Named { inner, .. } => match self.shape_of(&inner) {
                Shape::Func(results) => Ty::Results(results),
                _ => Ty::Unknown,
            },
            _ => Ty::Unknown,
        }
    }

    fn type_of_member(&mut self, at: At) -> Ty {
        let syntax = self.program.syntax(at.unit);
        match self.member(at) {
            Member::Field(field) => {
                let ty = self.field(field).ty;
                Ty::Written(At { unit: field.unit, expr: ty })
            }
            Member::Method(func) => Ty::Func(func),
            Member::Interface(_, results) => {
                self.interface_method_type(at, results.into_iter().map(Ty::Written).collect())
            }
            Member::External(import, name) => external_value(&import, &format!("{name}.{}", syntax.name(at.expr))),
            Member::Unknown => Ty::Unknown,
        }
    }

    fn interface_method_type(&mut self, at: At, results: Vec<Ty>) -> Ty {
        // The type of the call that this selector is the function of; stored as that call's results.
        let syntax = self.program.syntax(at.unit);
        if let Parent::Expr(call) = syntax.parent(at.expr)
            && matches!(syntax.kind(call), ExprKind::Call { fun, .. } if *fun == at.expr)
        {
            return Ty::Results(results);
        }
        Ty::Unknown
    }

    /// The type of a composite literal that leaves it out: the element type of the one around.
    fn elided_type(&mut self, at: At) -> Ty {
        let syntax = self.program.syntax(at.unit);
        let Parent::Expr(outer) = syntax.parent(at.expr) else { return Ty::Unknown };
        if !matches!(syntax.kind(outer), ExprKind::Composite { .. }) {
            return Ty::Unknown;
        }
        let outer = self.type_of(At { unit: at.unit, expr: outer });
        match self.inner_shape(&outer) {
            Shape::List(item) | Shape::Map(item) => item,
            _ => Ty::Unknown,
        }
    }

    /// One layer of a type.
    pub(crate) fn shape_of(&mut self, ty: &Ty) -> Shape {
        match ty {
            Ty::Unknown => Shape::Unknown,
            Ty::Pointer(inner) => Shape::Pointer((**inner).clone()),
            Ty::List(item) => Shape::List((**item).clone()),
            Ty::Text => Shape::Text,
            Ty::External(import, name) => Shape::External(Rc::clone(import), Rc::clone(name)),
            Ty::Results(results) => Shape::Func(results.clone()),
            Ty::Func(at) => {
                let syntax = self.program.syntax(at.unit);
                let results = syntax.func(at.func).results.iter();
                Shape::Func(results.map(|result| Ty::Written(At { unit: at.unit, expr: result.ty })).collect())
            }
            Ty::Written(at) => self.written_shape(*at),
        }
    }

    fn written_shape(&mut self, at: At) -> Shape {
        let syntax = self.program.syntax(at.unit);
        let here = |expr: ExprId| Ty::Written(At { unit: at.unit, expr });
        match syntax.kind(at.expr) {
            ExprKind::Star(inner) => Shape::Pointer(here(*inner)),
            ExprKind::SliceType(item) => Shape::List(here(*item)),
            ExprKind::MapType { value, .. } => Shape::Map(here(*value)),
            ExprKind::ChanType(item) => Shape::Chan(here(*item)),
            ExprKind::StructType(_) => Shape::Struct(at),
            ExprKind::InterfaceType(_) => Shape::Interface(at),
            ExprKind::FuncType { results } => Shape::Func(results.iter().map(|&result| here(result)).collect()),
            ExprKind::Ident | ExprKind::Selector { .. } => match self.meaning(at) {
                Some(Meaning::Type(inner)) => Shape::Named {
                    package: self.program.unit(inner.unit).package,
                    name: syntax.name(at.expr).to_owned(),
                    inner: Ty::Written(inner),
                },
                Some(Meaning::External(import, name)) => Shape::External(import, name),
                Some(Meaning::Builtin) if syntax.name(at.expr) == "string" => Shape::Text,
                _ => Shape::Unknown,
            },
            _ => Shape::Unknown,
        }
    }

    /// The shape below all names and pointers.
    pub(crate) fn inner_shape(&mut self, ty: &Ty) -> Shape {
        let mut shape = self.shape_of(ty);
        for _ in 0..MAX_STEPS {
            shape = match shape {
                Shape::Named { inner, .. } | Shape::Pointer(inner) => self.shape_of(&inner),
                other => return other,
            };
        }
        Shape::Unknown
    }

    /// What a selector over a value names.
    pub(crate) fn member(&mut self, at: At) -> Member {
        let syntax = self.program.syntax(at.unit);
        let ExprKind::Selector { base, name } = syntax.kind(at.expr) else { return Member::Unknown };
        let ty = self.type_of(At { unit: at.unit, expr: *base });
        let name = syntax.str(*name);
        self.member_of(&ty, name, 0)
    }

    /// A field or method of a type, embedded ones too.
    pub(crate) fn member_of(&mut self, ty: &Ty, name: &str, depth: u32) -> Member {
        if depth > 8 {
            return Member::Unknown;
        }
        let mut shape = self.shape_of(ty);
        for _ in 0..MAX_STEPS {
            match shape {
                Shape::Pointer(inner) => shape = self.shape_of(&inner),
                Shape::Named { package, name: type_name, inner } => {
                    if let Some(method) = self.method(package, &type_name, name) {
                        return Member::Method(method);
                    }
                    shape = self.shape_of(&inner);
                }
                Shape::External(import, type_name) => return Member::External(import, type_name),
                Shape::Struct(at) => return self.struct_member(at, name, depth),
                Shape::Interface(at) => return self.interface_member(at, name, depth),
                _ => return Member::Unknown,
            }
        }
        Member::Unknown
    }

    fn struct_member(&mut self, at: At, name: &str, depth: u32) -> Member {
        let syntax = self.program.syntax(at.unit);
        let ExprKind::StructType(fields) = syntax.kind(at.expr) else { return Member::Unknown };
        if let Some(index) = fields.iter().position(|field| syntax.str(field.name) == name) {
            return Member::Field(FieldAt { unit: at.unit, ty: at.expr, index: index as u32 });
        }
        let mut external = None;
        for field in fields.iter().filter(|field| field.embedded) {
            match self.member_of(&Ty::Written(At { unit: at.unit, expr: field.ty }), name, depth + 1) {
                Member::Unknown => {}
                found @ Member::External(..) => external = Some(found),
                found => return found,
            }
        }
        external.unwrap_or(Member::Unknown)
    }

    fn interface_member(&mut self, at: At, name: &str, depth: u32) -> Member {
        let syntax = self.program.syntax(at.unit);
        let ExprKind::InterfaceType(of) = syntax.kind(at.expr) else { return Member::Unknown };
        if let Some(method) = of.methods.iter().find(|method| syntax.str(method.name) == name) {
            let results = method.results.iter().map(|&expr| At { unit: at.unit, expr });
            return Member::Interface(at, results.collect());
        }
        for &expr in &of.embedded {
            match self.member_of(&Ty::Written(At { unit: at.unit, expr }), name, depth + 1) {
                Member::Interface(_, results) => return Member::Interface(at, results),
                Member::Unknown => {}
                other => return other,
            }
        }
        Member::Unknown
    }

    /// The names of the methods that an interface asks for, those of embedded ones included as far as there are sources.
    pub(crate) fn interface_methods(&mut self, interface: At) -> Rc<Vec<String>> {
        if let Some(known) = self.interface_methods.get(&interface) {
            return Rc::clone(known);
        }
        // While they are worked out, an interface that embeds itself asks for nothing more.
        self.interface_methods.insert(interface, Rc::default());
        let syntax = self.program.syntax(interface.unit);
        let mut names = Vec::new();
        if let ExprKind::InterfaceType(of) = syntax.kind(interface.expr) {
            names.extend(of.methods.iter().map(|method| syntax.str(method.name).to_owned()));
            for &expr in &of.embedded {
                let ty = Ty::Written(At { unit: interface.unit, expr });
                if let Shape::Interface(inner) = self.inner_shape(&ty) {
                    names.extend(self.interface_methods(inner).iter().cloned());
                }
            }
        }
        let names = Rc::new(names);
        self.interface_methods.insert(interface, Rc::clone(&names));
        names
    }

    /// Whether a function takes and gives as many values as an interface's own method of its name.
    pub(crate) fn fits(&self, func: FuncAt, interface: At) -> bool {
        let syntax = self.program.syntax(interface.unit);
        let ExprKind::InterfaceType(of) = syntax.kind(interface.expr) else { return true };
        let declared = self.program.syntax(func.unit).func(func.func);
        of.methods.iter().find(|method| syntax.str(method.name) == declared.name).is_none_or(|method| {
            method.params as usize == declared.params.len() && method.results.len() == declared.results.len()
        })
    }

    /// Whether a type has every method that an interface asks for, by itself or by what it embeds.
    pub(crate) fn satisfies(&mut self, package: PackageId, ty: &str, interface: At) -> bool {
        let key = (package, ty.to_owned(), interface);
        if let Some(&known) = self.satisfied.get(&key) {
            return known;
        }
        let names = self.interface_methods(interface);
        let own = |name: &str| self.program.methods_of(package, ty, name).next().is_some();
        let lacking: Vec<&String> = names.iter().filter(|name| !own(name)).collect();
        let found = lacking.is_empty()
            // What a type has besides its own methods it has from what it embeds; that is mostly the lesser part.
            || lacking.len() * 2 <= names.len()
                && !self.program.is_plain(package, ty)
                && match self.package_member(package, ty) {
                    Some(Meaning::Type(at)) => {
                        let ty = Ty::Written(at);
                        lacking.iter().all(|name| {
                            matches!(
                                self.member_of(&ty, name, 0),
                                Member::Method(_) | Member::Interface(..) | Member::External(..)
                            )
                        })
                    }
                    _ => false,
                };
        self.satisfied.insert(key, found);
        found
    }

    /// A method by its receiver's type.
    pub(crate) fn method(&self, package: PackageId, type_name: &str, name: &str) -> Option<FuncAt> {
        let program = self.program;
        program.methods_of(package, type_name, name).find_map(|unit| {
            let syntax = program.syntax(unit);
            let func = syntax.declared().find(|&func| {
                let func = syntax.func(func);
                func.name == name
                    && func.receiver.is_some_and(|receiver| receiver_name(syntax, receiver.ty) == Some(type_name))
            })?;
            Some(FuncAt { unit, func })
        })
    }

    /// A struct's field.
    pub(crate) fn field(&self, at: FieldAt) -> &super::syntax::Field {
        static NONE: std::sync::OnceLock<super::syntax::Field> = std::sync::OnceLock::new();
        let found = match self.program.syntax(at.unit).kind(at.ty) {
            ExprKind::StructType(fields) => fields.get(at.index as usize),
            _ => None,
        };
        found.unwrap_or_else(|| {
            let nowhere = super::syntax::Range { start: 0, end: 0 };
            NONE.get_or_init(|| super::syntax::Field {
                name: nowhere,
                ty: 0,
                embedded: false,
                tag: None,
                tag_at: nowhere,
            })
        })
    }

    /// The name of a field.
    pub(crate) fn field_name(&self, at: FieldAt) -> String {
        self.program.syntax(at.unit).str(self.field(at).name).to_owned()
    }
}

/// The name of a receiver's type.
pub(crate) fn receiver_name(syntax: &super::syntax::Syntax, mut ty: ExprId) -> Option<&str> {
    for _ in 0..4 {
        match syntax.kind(ty) {
            ExprKind::Star(inner) => ty = *inner,
            ExprKind::Index { base, .. } => ty = *base,
            ExprKind::Ident => return Some(syntax.name(ty)),
            _ => return None,
        }
    }
    None
}

/// The type of a package-level value or a field without sources.
fn external_value(import: &str, name: &str) -> Ty {
    match (import, name) {
        ("os", "Args") => Ty::List(Rc::new(Ty::Text)),
        _ => Ty::External(import.into(), name.into()),
    }
}

/// The type that a function without sources returns, for those whose values are followed.
fn external_result(import: &str, name: &str) -> Ty {
    let (import, name) = match (import, name) {
        ("os/exec" | "golang.org/x/sys/execabs", "Command" | "CommandContext") => ("os/exec", "Cmd"),
        ("bytes", "NewBuffer" | "NewBufferString") => ("bytes", "Buffer"),
        ("strings", "Fields" | "Split" | "SplitN") => return Ty::List(Rc::new(Ty::Text)),
        ("strings" | "fmt" | "path" | "path/filepath" | "os", _)
            if !matches!(name, "NewReader" | "NewReplacer" | "Open" | "Create" | "NewFile") =>
        {
            return Ty::Text;
        }
        _ => return Ty::External(import.into(), format!("{name}()").into()),
    };
    Ty::Pointer(Rc::new(Ty::External(import.into(), name.into())))
}

//! Defaults of flags and of configuration by name: `flag`, pflag and cobra, urfave/cli, kingpin, viper.
//!
//! A library's own code is never followed here: what a look-up by name gives is the default of the flag of that name, and
//! whatever the user says.

use super::engine::Engine;
use super::load::UnitId;
use super::syntax::{ExprId, ExprKind, Parent, Part, Source, Syntax};
use super::types::{At, FuncAt, VarAt};
use super::value::{Context, Set, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How long a chain of calls may be.
const MAX_CHAIN: usize = 24;

/// A family of libraries that know flags by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Library {
    /// The standard library's flags and those with its functions.
    Flag,
    Kingpin,
    Urfave,
    Viper,
}

/// The library of an import path. Sources: the package's page on <https://pkg.go.dev/>.
pub(crate) fn library(import: &str) -> Option<Library> {
    match import {
        "flag" | "github.com/spf13/pflag" | "github.com/spf13/cobra" => Some(Library::Flag),
        "github.com/spf13/viper" => Some(Library::Viper),
        _ if import.contains("alecthomas/kingpin") => Some(Library::Kingpin),
        _ if import.starts_with("github.com/urfave/cli")
            || import.starts_with("gopkg.in/urfave/cli")
            || import == "github.com/codegangsta/cli" =>
        {
            Some(Library::Urfave)
        }
        _ => None,
    }
}

/// Where a flag is defined.
#[derive(Clone, Copy, Debug)]
struct Definition {
    /// The definition's own place.
    place: At,
    default: Option<At>,
    /// The environment variables that stand for the flag.
    env: Option<At>,
}

/// The flags of a program by library and name.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    rows: BTreeMap<(Library, String), Vec<Definition>>,
}

/// Functions that define flags of texts: the places of the name and of the default among their arguments.
const DEFINERS: &[(&str, usize, usize)] = &[
    ("String", 0, 1),
    ("StringArray", 0, 1),
    ("StringArrayP", 0, 2),
    ("StringArrayVar", 1, 2),
    ("StringArrayVarP", 1, 3),
    ("StringP", 0, 2),
    ("StringSlice", 0, 1),
    ("StringSliceP", 0, 2),
    ("StringSliceVar", 1, 2),
    ("StringSliceVarP", 1, 3),
    ("StringVar", 1, 2),
    ("StringVarP", 1, 3),
];

fn definer(name: &str) -> Option<(usize, usize)> {
    DEFINERS.iter().find(|row| row.0 == name).map(|&(_, name, default)| (name, default))
}

impl Engine<'_> {
    /// What a call of a flag library gives; nothing where it is no such call.
    pub(crate) fn eval_flag(
        &mut self,
        call: At,
        import: &str,
        name: &str,
        index: u32,
        context: Context,
    ) -> Option<Set> {
        let library = library(import)?;
        let name = name.rsplit('.').next().unwrap_or(name);
        let syntax = self.program.syntax(call.unit);
        let ExprKind::Call { args, .. } = syntax.kind(call.expr) else { return None };
        let is_error = |set: Set| Some(if index > 0 { Set::default() } else { set });
        match (library, name, args.len()) {
            (Library::Flag, _, 3..) => {
                let (_, default) = definer(name).filter(|_| !name.contains("Var"))?;
                let set = self.argument(call, default, context);
                Some(self.or_given(set, call))
            }
            (Library::Flag, "GetString" | "GetStringSlice" | "GetStringArray", 1)
            | (
                Library::Urfave,
                "String" | "GlobalString" | "Path" | "StringSlice" | "GlobalStringSlice" | "StringArg",
                1,
            ) => {
                let set = self.flag_by_name(call, library, context);
                is_error(set)
            }
            (Library::Viper, "GetString" | "Get" | "GetStringSlice", 1) => Some(self.viper_value(call, context)),
            (Library::Kingpin, _, 0 | 1) => {
                let base = self.receiver_of(call)?;
                let set = self.kingpin_default(base, context)?;
                Some(self.or_given(set, call))
            }
            _ => None,
        }
    }

    /// As [`Self::eval_flag`], for a method of a value whose type is not known, by what the file imports.
    pub(crate) fn eval_unknown_flag(&mut self, call: At, name: &str, index: u32, context: Context) -> Option<Set> {
        self.receiver_of(call)?;
        let program = self.program;
        let mut imports = program.unit(call.unit).head.imports.iter().filter(|import| library(&import.path).is_some());
        imports.find_map(|import| self.eval_flag(call, &import.path, name, index, context))
    }

    /// As [`Self::eval_flag`], for a function whose sources are there.
    pub(crate) fn eval_known_flag(&mut self, call: At, func: FuncAt, index: u32, context: Context) -> Option<Set> {
        let program = self.program;
        let import = &program.package(program.unit(func.unit).package).import;
        library(import)?;
        self.eval_flag(call, import, &self.func_name(func), index, context)
    }

    /// Defaults, or what the user says.
    fn or_given(&self, set: Set, call: At) -> Set {
        let mut set = set.defaults();
        set.values.retain(|value| value.known_text().is_none_or(|text| !text.is_empty()));
        set.add(Value::hole_at("a flag of the command line", self.program.syntax(call.unit).expr_span(call.expr)));
        set
    }

    /// The defaults of the flags that a look-up can mean: those of its own file, else of its package, else of any.
    fn flag_by_name(&mut self, call: At, library: Library, context: Context) -> Set {
        let names: Vec<String> = self.argument(call, 0, context).values.iter().filter_map(Value::known_text).collect();
        let mut set = Set::default();
        for name in names {
            set.extend(self.flag_default(call, library, &name));
        }
        self.or_given(set, call)
    }

    fn flag_default(&mut self, call: At, library: Library, name: &str) -> Set {
        let program = self.program;
        let flags = self.flag_table();
        let all = flags.rows.get(&(library, name.to_owned())).map_or(&[][..], Vec::as_slice);
        let package = program.unit(call.unit).package;
        let near: [&dyn Fn(UnitId) -> bool; 3] =
            [&|unit| unit == call.unit, &|unit| program.unit(unit).package == package, &|_| true];
        let mut set = Set::default();
        for is_near in near {
            let near: Vec<Definition> = all.iter().filter(|row| is_near(row.place.unit)).copied().collect();
            if near.is_empty() {
                continue;
            }
            for row in near {
                let start = program.syntax(row.place.unit).expr(row.place.expr).range.start;
                if !self.is_live(row.place.unit, start) {
                    continue;
                }
                if let Some(default) = row.default {
                    let default = self.eval(default, 0);
                    set.extend(default);
                }
                if let Some(env) = row.env {
                    set.extend(self.environment_values(env));
                }
            }
            break;
        }
        set
    }

    /// What the image's environment holds under one of the names that an expression lists.
    fn environment_values(&mut self, names: At) -> Set {
        let span = self.program.syntax(names.unit).expr_span(names.expr);
        let list = self.eval(names, 0);
        let elements = self.elements(&list);
        let names = list.values.iter().chain(&elements.values).filter_map(Value::known_text);
        let values: Vec<&String> = names.filter_map(|name| self.env.get(&name)).collect();
        let mut set = Set::default();
        for value in values {
            set.add(Value::text(value, span));
        }
        set
    }

    fn flag_table(&mut self) -> Rc<Flags> {
        if let Some(known) = &self.flags {
            return Rc::clone(known);
        }
        let mut flags = Flags::default();
        let program = self.program;
        for (unit, loaded) in program.units.iter().enumerate() {
            let unit = unit as UnitId;
            let mut libraries: Vec<Library> =
                loaded.head.imports.iter().filter_map(|import| library(&import.path)).collect();
            libraries.dedup();
            let own = &program.package(loaded.package).import;
            if library(own).is_some() {
                continue;
            }
            if libraries.contains(&Library::Flag) {
                self.add_definers(unit, &mut flags);
            }
            if libraries.contains(&Library::Urfave) {
                self.add_literals(unit, &mut flags);
            }
        }
        let flags = Rc::new(flags);
        self.flags = Some(Rc::clone(&flags));
        flags
    }

    /// `String("name", "default", "usage")` and the like.
    fn add_definers(&mut self, unit: UnitId, flags: &mut Flags) {
        let syntax = self.program.syntax(unit);
        for &(function, name, default) in DEFINERS {
            for expr in self.program.refs(unit, function) {
                let Some(place) = self.call_of(At { unit, expr }) else { continue };
                let ExprKind::Call { args, .. } = syntax.kind(place.expr) else { continue };
                let (Some(&name), Some(&default)) = (args.get(name), args.get(default)) else { continue };
                let default = Some(At { unit, expr: default });
                if let Some(name) = self.constant_text(At { unit, expr: name }, 0) {
                    let row = Definition { place, default, env: None };
                    flags.rows.entry((Library::Flag, name)).or_default().push(row);
                }
            }
        }
    }

    /// `&cli.StringFlag{Name: "name", Value: "default"}`.
    fn add_literals(&mut self, unit: UnitId, flags: &mut Flags) {
        let syntax = self.program.syntax(unit);
        for (id, expr) in syntax.parts().flat_map(Part::exprs) {
            let ExprKind::Composite { ty: Some(ty), elements } = &expr.kind else { continue };
            if !matches!(syntax.name(*ty), "StringFlag" | "PathFlag" | "StringSliceFlag" | "StringArg") {
                continue;
            }
            let at = |expr: ExprId| At { unit, expr };
            let of = |names: &[&str]| element(syntax, elements, names).map(at);
            let place = At { unit, expr: id };
            let row = Definition { place, default: of(&["Value"]), env: of(&["EnvVars", "EnvVar"]) };
            let mut names: Vec<At> = of(&["Name"]).into_iter().collect();
            if let Some(At { expr, .. }) = of(&["Aliases"])
                && let ExprKind::Composite { elements, .. } = syntax.kind(expr)
            {
                names.extend(elements.iter().map(|&(_, alias)| at(alias)));
            }
            for name in names {
                // `Name: "output, o"` in the first version of the library.
                let Some(names) = self.constant_text(name, 0) else { continue };
                for name in names.split(',') {
                    flags.rows.entry((Library::Urfave, name.trim().to_owned())).or_default().push(row);
                }
            }
        }
    }

    /// The default in a chain `kingpin.Flag("name", "help").Default("x").String()`; nothing where it is no such chain.
    fn kingpin_default(&mut self, mut at: At, context: Context) -> Option<Set> {
        let syntax = self.program.syntax(at.unit);
        let mut set = Set::default();
        for _ in 0..MAX_CHAIN {
            let ExprKind::Call { fun, args, .. } = syntax.kind(at.expr) else { return None };
            let ExprKind::Selector { base, .. } = syntax.kind(*fun) else { return None };
            match (syntax.name(*fun), &args[..]) {
                ("Flag" | "Arg", [_, _]) => return Some(set),
                ("Default", [default, ..]) => {
                    let default = self.eval(At { unit: at.unit, expr: *default }, context);
                    set.extend(default);
                }
                ("Envar", [name]) => set.extend(self.environment_values(At { unit: at.unit, expr: *name })),
                _ => {}
            }
            at.expr = *base;
        }
        None
    }

    /// `viper.GetString("key")`: the default of the key, else of a flag that is bound to it or named like it.
    fn viper_value(&mut self, call: At, context: Context) -> Set {
        let keys: Vec<String> = self.argument(call, 0, context).values.iter().filter_map(Value::known_text).collect();
        let mut set = Set::default();
        for key in keys {
            let own = self.viper_settings("SetDefault", |known| known.eq_ignore_ascii_case(&key));
            let bound = self.viper_settings("BindPFlag", |known| known.eq_ignore_ascii_case(&key));
            let program = self.program;
            for at in &own {
                let default = self.eval(*at, 0);
                set.extend(default);
            }
            let mut flags: Vec<String> = Vec::new();
            for at in bound {
                // `cmd.Flags().Lookup("name")`
                if let ExprKind::Call { args, .. } = program.syntax(at.unit).kind(at.expr)
                    && let Some(&name) = args.first()
                {
                    flags.extend(self.constant_text(At { unit: at.unit, expr: name }, 0));
                }
            }
            if flags.is_empty() && own.is_empty() {
                flags.push(key);
            }
            for name in flags {
                let default = self.flag_default(call, Library::Flag, &name);
                set.extend(default);
            }
        }
        set = set.defaults();
        let span = self.program.syntax(call.unit).expr_span(call.expr);
        set.values.retain(|value| value.known_text().is_none_or(|text| !text.is_empty()));
        set.add(Value::hole_at("the configuration", span));
        set
    }

    /// The default that viper is given for a key whose last name is one of these.
    pub(crate) fn viper_default(&mut self, names: &[&str]) -> Set {
        let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
        let found =
            self.viper_settings("SetDefault", |key| names.iter().any(|name| last(key) == name.to_ascii_lowercase()));
        let mut set = Set::default();
        for at in found {
            let default = self.eval(at, 0);
            set.extend(default.defaults());
        }
        set
    }

    /// The second arguments of calls like `viper.SetDefault("key", value)`.
    fn viper_settings(&mut self, function: &str, is_key: impl Fn(&str) -> bool) -> Vec<At> {
        let program = self.program;
        let mut found = Vec::new();
        for &unit in program.importers("github.com/spf13/viper") {
            let syntax = program.syntax(unit);
            for expr in self.program.refs(unit, function) {
                let Some(call) = self.call_of(At { unit, expr }) else { continue };
                let ExprKind::Call { args, .. } = syntax.kind(call.expr) else { continue };
                let [key, value] = args[..] else { continue };
                let key = self.constant_text(At { unit, expr: key }, 0);
                if key.is_some_and(|key| is_key(&key)) && self.is_live(unit, syntax.expr(expr).range.start) {
                    found.push(At { unit, expr: value });
                }
            }
        }
        found
    }

    /// What is said of a parameter that no caller in the code gives.
    pub(crate) fn unknown_parameter(&self, func: FuncAt, index: u32) -> String {
        if index == 1 && self.is_command(func) {
            return "the arguments of the command line".to_owned();
        }
        format!("a parameter of {}, whose callers are not in the code", self.func_name(func))
    }

    /// Whether a function is what a `cobra.Command` runs.
    fn is_command(&self, func: FuncAt) -> bool {
        let syntax = self.program.syntax(func.unit);
        let declared = syntax.func(func.func);
        let runs = |expr: ExprId| {
            let Parent::Expr(literal) = syntax.parent(expr) else { return false };
            let ExprKind::Composite { elements, .. } = syntax.kind(literal) else { return false };
            let key = elements.iter().find(|(_, value)| *value == expr).and_then(|&(key, _)| key);
            let name = key.map_or("", |key| syntax.name(key));
            name.strip_suffix('E').unwrap_or(name).ends_with("Run")
        };
        self.program.import_of(func.unit, "cobra") == Some("github.com/spf13/cobra")
            && match declared.literal {
                Some(literal) => runs(literal),
                None => self.program.refs(func.unit, &declared.name).any(runs),
            }
    }

    /// What a variable or field holds whose address is handed on: the default of the flag that sets it, or what the
    /// function that gets the address writes there.
    pub(crate) fn eval_pointer_use(&mut self, at: At, context: Context) -> Set {
        let syntax = self.program.syntax(at.unit);
        let Parent::Expr(outer) = syntax.parent(at.expr) else { return Set::default() };
        let call = At { unit: at.unit, expr: outer };
        match syntax.kind(outer) {
            ExprKind::Call { fun, args, .. } => {
                let name = syntax.name(*fun);
                if let (Some((_, default)), 4..) = (definer(name), args.len()) {
                    let set = self.argument(call, default, context);
                    return self.or_given(set, call);
                }
                if let ([_], ExprKind::Selector { base, .. }) = (&args[..], syntax.kind(*fun))
                    && let Some(set) = self.kingpin_default(At { unit: at.unit, expr: *base }, context)
                {
                    return self.or_given(set, call);
                }
                let Some(index) = args.iter().position(|&arg| arg == at.expr) else { return Set::default() };
                self.written_by_callee(call, index, context)
            }
            // `&cli.StringFlag{Destination: &x, Value: "default"}`
            ExprKind::Composite { elements, .. } if element(syntax, elements, &["Destination"]) == Some(at.expr) => {
                let default = element(syntax, elements, &["Value"]);
                let mut set = match default {
                    Some(expr) => self.eval(At { unit: at.unit, expr }, context),
                    None => Set::default(),
                };
                if let Some(expr) = element(syntax, elements, &["EnvVars", "EnvVar"]) {
                    set.extend(self.environment_values(At { unit: at.unit, expr }));
                }
                self.or_given(set, call)
            }
            _ => Set::default(),
        }
    }

    /// `*p = value` in the functions that a call can run, for the parameter that gets the pointer.
    fn written_by_callee(&mut self, call: At, index: usize, context: Context) -> Set {
        let program = self.program;
        let mut set = Set::default();
        let Some(super::types::Meaning::Func(func)) = (match program.syntax(call.unit).kind(call.expr) {
            ExprKind::Call { fun, .. } => self.meaning(At { unit: call.unit, expr: *fun }),
            _ => None,
        }) else {
            return set;
        };
        let syntax = program.syntax(func.unit);
        let Some(var) = syntax.func(func.func).params.get(index).and_then(|param| param.var) else { return set };
        let Some(inside) = self.enter(call, func, context) else { return set };
        for &assign in &syntax.part_within(func.func).assigns {
            if let ExprKind::Star(x) = syntax.kind(assign.left)
                && syntax.resolve_if_ident(*x) == Some(var)
                && self.is_live(func.unit, syntax.expr(assign.left).range.start)
            {
                let VarAt { unit, .. } = VarAt { unit: func.unit, var };
                set.extend(match assign.source {
                    Source::Value { expr, index, .. } => self.eval_result(At { unit, expr }, index, inside),
                    _ => Set::default(),
                });
            }
        }
        set
    }
}

/// The element of a struct literal under one of these names.
fn element(syntax: &Syntax, elements: &[(Option<ExprId>, ExprId)], names: &[&str]) -> Option<ExprId> {
    elements.iter().find(|(key, _)| key.is_some_and(|key| names.contains(&syntax.name(key)))).map(|&(_, value)| value)
}

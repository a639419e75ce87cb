//! The form into which Python, JavaScript and Rust are lowered: expressions, bindings, blocks with their conditions.
//!
//! It keeps what values are made of and drops the rest. It refuses to be a syntax tree: statements are gone, and an
//! expression that no value can be read from is [`Kind::Unknown`] with the reason.

use crate::file::{FileId, Span};
use std::collections::BTreeMap;

/// An expression, by its place in [`Module::exprs`].
pub(crate) type ExprId = u32;
/// A block, by its place in [`Module::blocks`].
pub(crate) type BlockId = u32;
/// A scope, by its place in [`Module::scopes`].
pub(crate) type ScopeId = u32;
/// A function, by its place in [`Module::functions`].
pub(crate) type FunctionId = u32;
/// A class, by its place in [`Module::classes`].
pub(crate) type ClassId = u32;

/// How deep expressions and statements may nest; what lies deeper is not read.
const MAX_DEPTH: u32 = 250;

/// One file, lowered.
#[derive(Debug)]
pub(crate) struct Module {
    /// The file.
    pub(crate) file: FileId,
    /// Every expression.
    pub(crate) exprs: Vec<Expr>,
    /// Every block; the first is the file's.
    pub(crate) blocks: Vec<Block>,
    /// Every scope; the first is the file's.
    pub(crate) scopes: Vec<Scope>,
    /// Every function, lambdas and methods too.
    pub(crate) functions: Vec<Function>,
    /// Every class, struct or object type.
    pub(crate) classes: Vec<Class>,
    /// The calls, in the order of the text.
    pub(crate) calls: Vec<ExprId>,
    /// What a JavaScript module exports, by name; `=` is `module.exports` itself.
    pub(crate) exports: BTreeMap<String, ExprId>,
    /// Fields that are given to objects by name, other than through the object itself (`runner.promises = …`).
    pub(crate) writes: BTreeMap<(String, String), Vec<Member>>,
    /// Modules whose every name is taken in (`from x import *`, `export * from`, `use x::*`).
    pub(crate) stars: Vec<String>,
    /// Code was nested deeper than is read.
    pub(crate) too_deep: bool,
}

/// An expression and where it stands.
#[derive(Debug)]
pub(crate) struct Expr {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its first byte and one past its last.
    pub(crate) range: (u32, u32),
    /// The scope that its names are looked up in.
    pub(crate) scope: ScopeId,
    /// The block that it stands in.
    pub(crate) block: BlockId,
}

/// What an expression is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A text without unknown parts; the range is that of its content.
    Text(String),
    /// Texts in a row: a template, an f-string, `format!`.
    Template(Vec<ExprId>),
    /// `a + b`: of texts or of lists.
    Concat(ExprId, ExprId),
    /// `a / b`: a path below another, where the language writes it so.
    Below(ExprId, ExprId),
    /// A list, tuple, array or set.
    List(Vec<Item>),
    /// A table: key and value; a row without a key is another table spread into it.
    Dict(Vec<(Option<ExprId>, ExprId)>),
    /// One of two values by a condition.
    Choice {
        /// The condition.
        test: ExprId,
        /// Where it holds.
        then: ExprId,
        /// Where it does not.
        other: ExprId,
    },
    /// One of several values, without a condition that could be read.
    OneOf(Vec<ExprId>),
    /// `a or b`, `a || b`, `a ?? b`.
    Or(ExprId, ExprId),
    /// `a and b`, `a && b`.
    And(ExprId, ExprId),
    /// `not a`, `!a`.
    Not(ExprId),
    /// A comparison.
    Compare(Comparison, ExprId, ExprId),
    /// `true`, `false`.
    Bool(bool),
    /// A number; only its being one matters.
    Number,
    /// `None`, `null`, `undefined`.
    Nothing,
    /// A name.
    Name(String),
    /// `base.field`.
    Member(ExprId, String),
    /// `base[key]`.
    Index(ExprId, ExprId),
    /// `base[from:]` where the start is a number, without a stop that matters.
    Slice(ExprId, u32),
    /// A call.
    Call {
        /// What is called.
        callee: ExprId,
        /// The arguments in order.
        arguments: Vec<Argument>,
    },
    /// A function, lambda or method.
    Function(FunctionId),
    /// A class.
    Class(ClassId),
    /// A module, or one of its names.
    Import {
        /// The module as the code writes it.
        module: String,
        /// The name taken from it.
        member: Option<String>,
    },
    /// The object that a method is called on.
    This,
    /// Every element of a list or key of a table, one at a time.
    Element(ExprId),
    /// A list of one value for each element of another (`[f(x) for x in list]`).
    Map {
        /// The other list.
        list: ExprId,
        /// What stands for its element.
        element: ExprId,
        /// The value.
        body: ExprId,
    },
    /// The element of a list at a place that is known.
    At(ExprId, u32),
    /// Something no value can be read from.
    Unknown(&'static str),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// `==`, `===`, `is`.
    Equal,
    /// `!=`, `!==`, `is not`.
    Unequal,
    /// `in`.
    In,
    /// `not in`.
    NotIn,
    /// Any other.
    Other,
}

/// An element of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    /// Its value.
    pub(crate) value: ExprId,
    /// The value's elements are meant (`*base`, `...base`).
    pub(crate) spread: bool,
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    /// The parameter that it names.
    pub(crate) name: Option<String>,
    /// Its value.
    pub(crate) value: ExprId,
    /// The value's elements are meant (`*args`, `...args`, `**options`).
    pub(crate) spread: bool,
}

/// A stretch of code that runs under one condition.
#[derive(Debug)]
pub(crate) struct Block {
    /// The block around it.
    pub(crate) parent: Option<BlockId>,
    /// The condition, and whether it must hold.
    pub(crate) guard: Option<(ExprId, bool)>,
    /// It never runs on the image's platform (`cfg(windows)`), or is test code.
    pub(crate) dead: bool,
    /// A handler copes with a program that is missing.
    pub(crate) copes: bool,
    /// It runs again and again.
    pub(crate) repeats: bool,
}

/// What names are looked up in.
#[derive(Debug)]
pub(crate) struct Scope {
    /// The scope around it.
    pub(crate) parent: Option<ScopeId>,
    /// What made it.
    pub(crate) owner: Owner,
    /// The names bound in it.
    pub(crate) names: BTreeMap<String, Vec<Binding>>,
}

/// What a scope belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The file.
    Module,
    /// A function's body.
    Function(FunctionId),
    /// A class's body; its names are not seen from the methods.
    Class(ClassId),
}

/// A name given a value.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    /// The value.
    pub(crate) value: Bound,
    /// The byte from which the name has it.
    pub(crate) from: u32,
    /// Where the name is written.
    pub(crate) range: (u32, u32),
    /// The block that binds it.
    pub(crate) block: BlockId,
}

/// What a name is bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// A value.
    Value(ExprId),
    /// A parameter of the function, by its place.
    Parameter(FunctionId, u32),
}

/// A function.
#[derive(Debug)]
pub(crate) struct Function {
    /// The name; empty for a lambda.
    pub(crate) name: String,
    /// The parameters in order, the object of a method left out.
    pub(crate) parameters: Vec<Parameter>,
    /// What it returns.
    pub(crate) returns: Vec<ExprId>,
    /// The class whose method it is.
    pub(crate) class: Option<ClassId>,
    /// Reading it as a field calls it (`@property`).
    pub(crate) property: bool,
}

/// A parameter.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: String,
    /// The value that it has where the caller gives none.
    pub(crate) default: Option<ExprId>,
    /// Its declared type.
    pub(crate) type_name: Option<ExprId>,
    /// It takes all further arguments (`*args`, `...args`).
    pub(crate) rest: bool,
    /// It takes all further named arguments (`**kwargs`).
    pub(crate) rest_named: bool,
    /// Where it is written.
    pub(crate) range: (u32, u32),
}

/// A class.
#[derive(Debug)]
pub(crate) struct Class {
    /// The name.
    pub(crate) name: String,
    /// The classes that it extends.
    pub(crate) bases: Vec<ExprId>,
    /// Fields and methods: the values that each is given, in the body and through the object.
    pub(crate) members: BTreeMap<String, Vec<Member>>,
    /// The declared fields in order, as a data class takes them.
    pub(crate) fields: Vec<(String, Option<ExprId>)>,
}

/// One value of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// The value.
    pub(crate) value: ExprId,
    /// The block that gives it.
    pub(crate) block: BlockId,
}

impl Module {
    /// The place of an expression.
    pub(crate) fn span(&self, expr: ExprId) -> Span {
        let (start, end) = self.exprs[expr as usize].range;
        Span { file: self.file, start, end }
    }

    /// The place of a range of the file.
    pub(crate) fn range(&self, (start, end): (u32, u32)) -> Span {
        Span { file: self.file, start, end }
    }

    /// The last name of a call's callee (`run` of `subprocess.run`).
    pub(crate) fn callee_name(&self, call: ExprId) -> Option<&str> {
        match &self.exprs[call as usize].kind {
            Kind::Call { callee, .. } => self.last_name(*callee),
            _ => None,
        }
    }

    /// The last name of a name or member expression.
    pub(crate) fn last_name(&self, expr: ExprId) -> Option<&str> {
        match &self.exprs[expr as usize].kind {
            Kind::Name(name) | Kind::Member(_, name) => Some(name),
            _ => None,
        }
    }

    /// Whether `inner` is `outer` or lies in it.
    pub(crate) fn block_is_in(&self, inner: BlockId, outer: BlockId) -> bool {
        let mut block = Some(inner);
        while let Some(id) = block {
            if id == outer {
                return true;
            }
            block = self.blocks[id as usize].parent;
        }
        false
    }

    /// Whether a loop holds both blocks.
    pub(crate) fn same_loop(&self, one: BlockId, other: BlockId) -> bool {
        let mut block = Some(one);
        while let Some(id) = block {
            let at = &self.blocks[id as usize];
            if at.repeats && self.block_is_in(other, id) {
                return true;
            }
            block = at.parent;
        }
        false
    }

    /// The scope's function, or that of the scope around it.
    pub(crate) fn function_of(&self, mut scope: ScopeId) -> Option<FunctionId> {
        loop {
            let at = &self.scopes[scope as usize];
            if let Owner::Function(function) = at.owner {
                return Some(function);
            }
            scope = at.parent?;
        }
    }

    /// The functions around a scope, innermost first.
    pub(crate) fn functions_around(&self, scope: ScopeId) -> Vec<FunctionId> {
        let mut found = Vec::new();
        let mut at = Some(scope);
        while let Some(scope) = at {
            let one = &self.scopes[scope as usize];
            if let Owner::Function(function) = one.owner {
                found.push(function);
            }
            at = one.parent;
        }
        found
    }

    /// The class whose method or body the scope lies in.
    pub(crate) fn class_of(&self, mut scope: ScopeId) -> Option<ClassId> {
        loop {
            let at = &self.scopes[scope as usize];
            match at.owner {
                Owner::Class(class) => return Some(class),
                Owner::Function(function) => {
                    if let Some(class) = self.functions[function as usize].class {
                        return Some(class);
                    }
                }
                Owner::Module => {}
            }
            scope = at.parent?;
        }
    }
}

/// Builds a [`Module`] while a language's lowering walks its syntax tree.
#[derive(Debug)]
pub(crate) struct Builder<'t> {
    /// The file's text.
    pub(crate) text: &'t str,
    /// What is built.
    pub(crate) module: Module,
    /// The scope at hand.
    pub(crate) scope: ScopeId,
    /// The block at hand.
    pub(crate) block: BlockId,
    depth: u32,
}

impl<'t> Builder<'t> {
    /// A builder with the file's own scope and block.
    pub(crate) fn new(file: FileId, text: &'t str) -> Self {
        let module = Module {
            file,
            exprs: Vec::new(),
            blocks: vec![Block { parent: None, guard: None, dead: false, copes: false, repeats: false }],
            scopes: vec![Scope { parent: None, owner: Owner::Module, names: BTreeMap::new() }],
            functions: Vec::new(),
            classes: Vec::new(),
            calls: Vec::new(),
            exports: BTreeMap::new(),
            writes: BTreeMap::new(),
            stars: Vec::new(),
            too_deep: false,
        };
        Self { text, module, scope: 0, block: 0, depth: 0 }
    }

    /// Goes one level down; refused where the code nests too deeply. Every `true` is answered by one [`Self::leave`].
    pub(crate) fn enter(&mut self) -> bool {
        if self.depth >= MAX_DEPTH {
            self.module.too_deep = true;
            return false;
        }
        self.depth += 1;
        true
    }

    /// Comes back up.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// The text of a node.
    pub(crate) fn slice(&self, node: tree_sitter::Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    /// Adds an expression that covers `node`.
    pub(crate) fn add(&mut self, kind: Kind, node: tree_sitter::Node<'_>) -> ExprId {
        self.add_at(kind, range(node))
    }

    /// Adds an expression at a range.
    pub(crate) fn add_at(&mut self, kind: Kind, range: (u32, u32)) -> ExprId {
        let is_call = matches!(kind, Kind::Call { .. });
        let id = self.module.exprs.len() as ExprId;
        self.module.exprs.push(Expr { kind, range, scope: self.scope, block: self.block });
        if is_call {
            self.module.calls.push(id);
        }
        id
    }

    /// The range of an expression.
    pub(crate) fn range_of(&self, expr: ExprId) -> (u32, u32) {
        self.module.exprs[expr as usize].range
    }

    /// Binds a name in the scope at hand.
    pub(crate) fn bind(&mut self, name: &str, value: ExprId, node: tree_sitter::Node<'_>, from: u32) {
        self.bind_in(self.scope, name, Bound::Value(value), range(node), from);
    }

    /// Binds a name in a scope.
    pub(crate) fn bind_in(&mut self, scope: ScopeId, name: &str, value: Bound, range: (u32, u32), from: u32) {
        let binding = Binding { value, from, range, block: self.block };
        self.module.scopes[scope as usize].names.entry(name.to_owned()).or_default().push(binding);
    }

    /// Opens a block below the one at hand and returns the one that was; [`Self::close`] takes it back.
    pub(crate) fn open(&mut self) -> BlockId {
        let outer = self.block;
        self.block = self.module.blocks.len() as BlockId;
        let block = Block { parent: Some(outer), guard: None, dead: false, copes: false, repeats: false };
        self.module.blocks.push(block);
        outer
    }

    /// Opens a block that runs where a condition holds, or does not.
    pub(crate) fn open_if(&mut self, test: ExprId, holds: bool) -> BlockId {
        let outer = self.open();
        self.at_hand().guard = Some((test, holds));
        outer
    }

    /// The block at hand, to say more of it.
    pub(crate) fn at_hand(&mut self) -> &mut Block {
        &mut self.module.blocks[self.block as usize]
    }

    /// Returns to a block that [`Self::open`] left.
    pub(crate) fn close(&mut self, outer: BlockId) {
        self.block = outer;
    }

    /// Opens a scope and returns the one that was.
    pub(crate) fn open_scope(&mut self, owner: Owner) -> ScopeId {
        let outer = self.scope;
        self.scope = self.module.scopes.len() as ScopeId;
        self.module.scopes.push(Scope { parent: Some(outer), owner, names: BTreeMap::new() });
        outer
    }

    /// Returns to a scope that [`Self::open_scope`] left.
    pub(crate) fn close_scope(&mut self, outer: ScopeId) {
        self.scope = outer;
    }

    /// Adds a function without its body.
    pub(crate) fn add_function(&mut self, name: &str, class: Option<ClassId>) -> FunctionId {
        let id = self.module.functions.len() as FunctionId;
        let name = name.to_owned();
        self.module.functions.push(Function {
            name,
            parameters: Vec::new(),
            returns: Vec::new(),
            class,
            property: false,
        });
        id
    }

    /// Adds a parameter to a function and binds its name in the scope at hand.
    pub(crate) fn add_parameter(&mut self, function: FunctionId, parameter: Parameter) {
        let parameters = &mut self.module.functions[function as usize].parameters;
        let place = parameters.len() as u32;
        let (name, range) = (parameter.name.clone(), parameter.range);
        parameters.push(parameter);
        self.bind_in(self.scope, &name, Bound::Parameter(function, place), range, 0);
    }

    /// Adds a class without members.
    pub(crate) fn add_class(&mut self, name: &str, bases: Vec<ExprId>) -> ClassId {
        let id = self.module.classes.len() as ClassId;
        let name = name.to_owned();
        self.module.classes.push(Class { name, bases, members: BTreeMap::new(), fields: Vec::new() });
        id
    }

    /// Adds a value of a class's field.
    pub(crate) fn add_member(&mut self, class: ClassId, name: &str, value: ExprId) {
        let member = Member { value, block: self.block };
        self.module.classes[class as usize].members.entry(name.to_owned()).or_default().push(member);
    }

    /// Adds a value of a field of a named object.
    pub(crate) fn add_write(&mut self, object: &str, field: &str, value: ExprId) {
        let member = Member { value, block: self.block };
        self.module.writes.entry((object.to_owned(), field.to_owned())).or_default().push(member);
    }

    /// The class of the method or class body at hand.
    pub(crate) fn class(&self) -> Option<ClassId> {
        self.module.class_of(self.scope)
    }

    /// The function at hand.
    pub(crate) fn function(&self) -> Option<FunctionId> {
        self.module.function_of(self.scope)
    }
}

/// The byte range of a node.
pub(crate) fn range(node: tree_sitter::Node<'_>) -> (u32, u32) {
    (node.start_byte() as u32, node.end_byte() as u32)
}

/// `a + b + c …`: a node and those of its kind on its left, the outermost first.
pub(crate) fn left_chain(node: tree_sitter::Node<'_>) -> Vec<tree_sitter::Node<'_>> {
    std::iter::successors(Some(node), |outer| {
        outer.child_by_field_name("left").filter(|left| left.kind_id() == node.kind_id())
    })
    .collect()
}

/// The named children of a node, comments left out.
pub(crate) fn children(node: tree_sitter::Node<'_>) -> Vec<tree_sitter::Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !child.is_extra()).collect()
}

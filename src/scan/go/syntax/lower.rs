//! From tree-sitter's tree to the flat tables of [`Syntax`].
//!
//! Depth is bounded: what nests deeper than [`MAX_DEPTH`] is left out. Error nodes are walked like blocks, so that whole
//! statements in them count.

use super::{
    Assign, Condition, Decl, Expr, ExprId, ExprKind, Field, Func, FuncId, Guard, InterfaceMethod, Op, Param, Parent,
    Range, Source, Syntax, Var, VarId, hash, text,
};
use crate::file::{FileId, SourceFile};
use std::sync::{Arc, OnceLock};
use tree_sitter::Node;

/// How deep code may nest before the rest is left out. Compilers and formatters stop near there too.
const MAX_DEPTH: u32 = 250;

/// Parses and lowers a file; an empty result where the parser gives none.
pub(super) fn lower(file: FileId, source: Arc<SourceFile>) -> Syntax {
    let syntax = Syntax {
        file,
        source: Arc::clone(&source),
        exprs: Vec::new(),
        parents: Vec::new(),
        vars: Vec::new(),
        assigns: Vec::new(),
        funcs: Vec::new(),
        guards: Vec::new(),
        loops: Vec::new(),
        ifs: Vec::new(),
        decls: Vec::new(),
        declared: Vec::new(),
        refs: Vec::new(),
        vars_by_name: Vec::new(),
        type_params: Vec::new(),
    };
    let mut lowerer = Lowerer { out: syntax, text: source.text(), func: None, depth: 0, scopes: Vec::new() };
    let mut parser = tree_sitter::Parser::new();
    let tree = match parser.set_language(&tree_sitter_go::LANGUAGE.into()) {
        Ok(()) => parser.parse(source.text(), None),
        Err(_) => None,
    };
    if let Some(tree) = tree {
        lowerer.top(tree.root_node());
    }
    lowerer.finish()
}

/// The grammar's field ids.
struct Fields {
    alias: u16,
    alternative: u16,
    arguments: u16,
    body: u16,
    channel: u16,
    condition: u16,
    consequence: u16,
    element: u16,
    end: u16,
    field: u16,
    function: u16,
    index: u16,
    initializer: u16,
    key: u16,
    left: u16,
    name: u16,
    operand: u16,
    operator: u16,
    package: u16,
    parameters: u16,
    receiver: u16,
    result: u16,
    right: u16,
    start: u16,
    tag: u16,
    r#type: u16,
    type_parameters: u16,
    value: u16,
}

fn fields() -> &'static Fields {
    static FIELDS: OnceLock<Fields> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let language: tree_sitter::Language = tree_sitter_go::LANGUAGE.into();
        let id = |name: &str| language.field_id_for_name(name).map_or(0, std::num::NonZero::get);
        Fields {
            alias: id("alias"),
            alternative: id("alternative"),
            arguments: id("arguments"),
            body: id("body"),
            channel: id("channel"),
            condition: id("condition"),
            consequence: id("consequence"),
            element: id("element"),
            end: id("end"),
            field: id("field"),
            function: id("function"),
            index: id("index"),
            initializer: id("initializer"),
            key: id("key"),
            left: id("left"),
            name: id("name"),
            operand: id("operand"),
            operator: id("operator"),
            package: id("package"),
            parameters: id("parameters"),
            receiver: id("receiver"),
            result: id("result"),
            right: id("right"),
            start: id("start"),
            tag: id("tag"),
            r#type: id("type"),
            type_parameters: id("type_parameters"),
            value: id("value"),
        }
    })
}

struct Lowerer<'a> {
    out: Syntax,
    text: &'a str,
    func: Option<FuncId>,
    depth: u32,
    /// The ranges of the blocks around, the innermost last.
    scopes: Vec<Range>,
}

fn range(node: Node<'_>) -> Range {
    Range { start: node.start_byte() as u32, end: node.end_byte() as u32 }
}

fn named(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| child.kind() != "comment").collect()
}

fn all_by_field(node: Node<'_>, field: u16) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let mut found = Vec::new();
    if cursor.goto_first_child() {
        loop {
            if cursor.field_id().is_some_and(|id| id.get() == field) && cursor.node().is_named() {
                found.push(cursor.node());
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
    }
    found
}

impl Lowerer<'_> {
    fn finish(mut self) -> Syntax {
        for id in 0..self.out.exprs.len() as u32 {
            for child in self.out.children(id) {
                self.out.parents[child as usize] = Parent::Expr(id);
            }
        }
        for id in 0..self.out.exprs.len() as u32 {
            if matches!(self.out.exprs[id as usize].kind, ExprKind::Ident | ExprKind::Selector { .. }) {
                self.out.refs.push((hash(self.out.name(id)), id));
            }
        }
        self.out.refs.sort_unstable();
        for (id, var) in self.out.vars.iter().enumerate() {
            self.out.vars_by_name.push((hash(self.out.str(var.name)), id as VarId));
        }
        self.out.vars_by_name.sort_unstable();
        for (id, func) in self.out.funcs.iter().enumerate() {
            if let (Some(range), None) = (func.range, func.literal) {
                self.out.declared.push((range, id as FuncId));
            }
        }
        self.out.declared.sort_unstable_by_key(|(range, _)| range.start);
        self.out.decls.sort_by_key(|&(hash, range, _)| (hash, range.start));
        self.out
    }

    fn str(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    fn add(&mut self, kind: ExprKind, at: Range) -> ExprId {
        let id = self.out.exprs.len() as ExprId;
        self.out.exprs.push(Expr { kind, range: at, func: self.func });
        self.out.parents.push(Parent::Statement);
        id
    }

    fn set_parent(&mut self, id: ExprId, parent: Parent) {
        self.out.parents[id as usize] = parent;
    }

    fn declare(&mut self, name: Node<'_>, decl: Decl) {
        let hash = hash(self.str(name));
        self.out.decls.push((hash, range(name), decl));
    }

    // Declarations.

    fn top(&mut self, node: Node<'_>) {
        self.depth += 1;
        if self.depth < MAX_DEPTH {
            for child in named(node) {
                match child.kind() {
                    "package_clause" | "import_declaration" => {}
                    "function_declaration" | "method_declaration" => self.function(child),
                    "ERROR" => self.top(child),
                    _ => self.statement(child),
                }
            }
        }
        self.depth -= 1;
    }

    fn function(&mut self, node: Node<'_>) {
        let f = fields();
        let Some(name) = node.child_by_field_id(f.name) else { return };
        let id = self.open_function(node, None);
        self.name(name).clone_into(&mut self.out.funcs[id as usize].name);
        self.out.funcs[id as usize].name_at = Some(range(name));
        if let Some(types) = node.child_by_field_id(f.type_parameters) {
            self.type_parameters(types);
        }
        if let Some(receiver) = node.child_by_field_id(f.receiver) {
            let receiver = self.parameters(receiver, node, |_, _| Source::Receiver(id));
            self.out.funcs[id as usize].receiver = receiver.first().copied();
        } else if self.str(name) != "_" && self.str(name) != "init" {
            self.declare(name, Decl::Func(id));
        }
        self.signature_and_body(node, id);
        self.func = None;
    }

    fn name(&self, node: Node<'_>) -> String {
        self.str(node).to_owned()
    }

    fn open_function(&mut self, node: Node<'_>, literal: Option<ExprId>) -> FuncId {
        let id = self.out.funcs.len() as FuncId;
        let outer = self.func;
        self.out.funcs.push(Func { range: Some(range(node)), outer, literal, ..Func::default() });
        self.func = Some(id);
        id
    }

    fn signature_and_body(&mut self, node: Node<'_>, id: FuncId) {
        let f = fields();
        if let Some(parameters) = node.child_by_field_id(f.parameters) {
            let params = self.parameters(parameters, node, |index, _| Source::Param { func: id, index });
            self.out.funcs[id as usize].params = params;
        }
        if let Some(result) = node.child_by_field_id(f.result) {
            let results = if result.kind() == "parameter_list" {
                self.parameters(result, node, |index, _| Source::Result { func: id, index })
            } else {
                vec![Param { var: None, ty: self.ty(result), variadic: false }]
            };
            self.out.funcs[id as usize].results = results;
        }
        if let Some(body) = node.child_by_field_id(f.body) {
            self.block(body);
        }
    }

    fn parameters(&mut self, list: Node<'_>, scope: Node<'_>, source: impl Fn(u32, bool) -> Source) -> Vec<Param> {
        let f = fields();
        let mut params: Vec<Param> = Vec::new();
        for node in named(list) {
            let variadic = node.kind() == "variadic_parameter_declaration";
            let Some(ty) = node.child_by_field_id(f.r#type) else { continue };
            let ty = self.ty(ty);
            let names = all_by_field(node, f.name);
            if names.is_empty() {
                params.push(Param { var: None, ty, variadic });
            }
            for name in names {
                let source = source(params.len() as u32, variadic);
                let var = self.var(range(name), range(scope), source, Some(ty), false);
                params.push(Param { var: Some(var), ty, variadic });
            }
        }
        params
    }

    fn var(&mut self, name: Range, scope: Range, source: Source, ty: Option<ExprId>, constant: bool) -> VarId {
        let id = self.out.vars.len() as VarId;
        self.out.vars.push(Var { name, scope, source, ty, func: self.func, constant });
        id
    }

    fn type_parameters(&mut self, node: Node<'_>) {
        for declaration in named(node) {
            for name in all_by_field(declaration, fields().name) {
                self.out.type_params.push(range(name));
            }
        }
    }

    /// The scope of a name that is declared by the statement that ends at `from`.
    fn scope_from(&self, from: usize) -> Range {
        let end = self.scopes.last().map_or(self.text.len() as u32, |scope| scope.end);
        // Package-level names hold in the whole file.
        let start = if self.func.is_none() { 0 } else { from as u32 };
        Range { start, end }
    }

    /// `var`, `const` and `type` declarations.
    fn declaration(&mut self, node: Node<'_>) {
        let mut previous: Vec<ExprId> = Vec::new();
        let mut previous_type = None;
        for spec in named(node) {
            match spec.kind() {
                "var_spec_list" => self.declaration(spec),
                "var_spec" => self.value_spec(spec, false, &mut previous, &mut previous_type),
                "const_spec" => self.value_spec(spec, true, &mut previous, &mut previous_type),
                "type_spec" | "type_alias" => self.type_spec(spec),
                _ => {}
            }
        }
    }

    fn value_spec(
        &mut self,
        spec: Node<'_>,
        constant: bool,
        previous: &mut Vec<ExprId>,
        previous_type: &mut Option<ExprId>,
    ) {
        let f = fields();
        let ty = spec.child_by_field_id(f.r#type).map(|ty| self.ty(ty));
        let values = match spec.child_by_field_id(f.value) {
            Some(list) => {
                let values = self.expressions(list);
                for &value in &values {
                    self.set_parent(value, Parent::Init);
                }
                previous.clone_from(&values);
                *previous_type = ty;
                values
            }
            None if constant => previous.clone(),
            None => Vec::new(),
        };
        let ty = ty.or(if constant { *previous_type } else { None });
        let names = all_by_field(spec, f.name);
        let count = names.len();
        let scope = self.scope_from(spec.end_byte());
        for (index, name) in names.into_iter().enumerate() {
            let source = value_of(&values, index, count);
            let var = self.var(range(name), scope, source, ty, constant);
            if self.func.is_none() && self.str(name) != "_" {
                self.declare(name, Decl::Var(var));
            }
        }
    }

    fn type_spec(&mut self, spec: Node<'_>) {
        let f = fields();
        if let Some(types) = spec.child_by_field_id(f.type_parameters) {
            self.type_parameters(types);
        }
        let (Some(name), Some(ty)) = (spec.child_by_field_id(f.name), spec.child_by_field_id(f.r#type)) else { return };
        let ty = self.ty(ty);
        // A local type counts as one of the package: names rarely clash, and it is found at all.
        self.declare(name, Decl::Type(ty));
    }

    // Statements.

    fn block(&mut self, node: Node<'_>) {
        self.scopes.push(range(node));
        self.statements(node);
        self.scopes.pop();
    }

    fn statements(&mut self, node: Node<'_>) {
        self.depth += 1;
        if self.depth < MAX_DEPTH {
            for child in named(node) {
                self.statement(child);
            }
        }
        self.depth -= 1;
    }

    fn statement(&mut self, node: Node<'_>) {
        let f = fields();
        match node.kind() {
            "block" => self.block(node),
            "var_declaration" | "const_declaration" | "type_declaration" => self.declaration(node),
            "short_var_declaration" => self.short_var(node),
            "assignment_statement" => self.assignment(node),
            "return_statement" => self.return_statement(node),
            "if_statement" => self.if_statement(node),
            "for_statement" => self.for_statement(node),
            "expression_switch_statement" => self.switch(node),
            "type_switch_statement" => self.type_switch(node),
            "select_statement" => {
                for case in named(node) {
                    self.guard(range(case), Some(Condition::Unknown), false);
                    self.scopes.push(range(case));
                    self.statements(case);
                    self.scopes.pop();
                }
            }
            "receive_statement" => self.receive(node),
            "send_statement" => {
                let channel = node.child_by_field_id(f.channel).map(|channel| self.expr(channel));
                if let (Some(channel), Some(value)) = (channel, node.child_by_field_id(f.value)) {
                    let value = self.expr(value);
                    self.set_parent(value, Parent::Send(channel));
                }
            }
            "labeled_statement"
            | "ERROR"
            | "statement_list"
            | "expression_statement"
            | "go_statement"
            | "defer_statement"
            | "inc_statement"
            | "dec_statement"
            | "expression_list" => self.statements(node),
            "function_declaration" | "method_declaration" if self.func.is_none() => self.function(node),
            "break_statement"
            | "continue_statement"
            | "goto_statement"
            | "fallthrough_statement"
            | "empty_statement"
            | "label_name"
            | "import_declaration"
            | "package_clause" => {}
            _ => {
                self.expr(node);
            }
        }
    }

    fn short_var(&mut self, node: Node<'_>) {
        let f = fields();
        let (Some(left), Some(right)) = (node.child_by_field_id(f.left), node.child_by_field_id(f.right)) else {
            return;
        };
        let values = self.expressions(right);
        for &value in &values {
            self.set_parent(value, Parent::Init);
        }
        let names = named(left);
        let count = names.len();
        for (index, name) in names.into_iter().enumerate() {
            let source = value_of(&values, index, count);
            self.define(name, source, node.end_byte());
        }
    }

    /// `name := source`: a new variable, or an assignment where the block already has one of that name.
    fn define(&mut self, name: Node<'_>, source: Source, from: usize) {
        if name.kind() != "identifier" || self.str(name) == "_" {
            return;
        }
        let scope = self.scope_from(from);
        let text = self.str(name);
        let known = self.out.vars.iter().rev().take(200).any(|var| {
            var.func == self.func && var.scope.end == scope.end && self.out.str(var.name) == text && var.func.is_some()
        });
        if known {
            let left = self.expr(name);
            self.set_parent(left, Parent::Left);
            self.out.assigns.push(Assign { left, source, adds: false });
        } else {
            self.var(range(name), scope, source, None, false);
        }
    }

    fn assignment(&mut self, node: Node<'_>) {
        let f = fields();
        let (Some(left), Some(right)) = (node.child_by_field_id(f.left), node.child_by_field_id(f.right)) else {
            return;
        };
        let adds = node.child_by_field_id(f.operator).is_some_and(|operator| operator.kind() == "+=");
        let left = self.expressions(left);
        let values = self.expressions(right);
        for &value in &values {
            self.set_parent(value, Parent::Right);
        }
        for (index, &target) in left.iter().enumerate() {
            self.set_parent(target, Parent::Left);
            let source = value_of(&values, index, left.len());
            self.out.assigns.push(Assign { left: target, source, adds });
        }
    }

    fn receive(&mut self, node: Node<'_>) {
        let f = fields();
        let Some(right) = node.child_by_field_id(f.right) else { return };
        let value = self.expr(right);
        self.set_parent(value, Parent::Init);
        if let Some(left) = node.child_by_field_id(f.left) {
            for (index, name) in named(left).into_iter().enumerate() {
                let source = Source::Value { expr: value, index: index as u32, count: 1 };
                self.define(name, source, node.end_byte());
            }
        }
    }

    fn return_statement(&mut self, node: Node<'_>) {
        let mut values = Vec::new();
        for list in named(node) {
            values.extend(self.expressions(list));
        }
        let Some(func) = self.func else { return };
        for (index, &value) in values.iter().enumerate() {
            self.set_parent(value, Parent::Return { func, index: index as u32, count: values.len() as u32 });
        }
        self.out.funcs[func as usize].returns.push((range(node), values));
    }

    fn if_statement(&mut self, node: Node<'_>) {
        let f = fields();
        self.depth += 1;
        if self.depth < MAX_DEPTH {
            self.scopes.push(range(node));
            if let Some(initializer) = node.child_by_field_id(f.initializer) {
                self.statement(initializer);
            }
            let condition = node.child_by_field_id(f.condition).map(|condition| self.expr(condition));
            let consequence = node.child_by_field_id(f.consequence);
            let alternative = node.child_by_field_id(f.alternative);
            if let Some(consequence) = consequence {
                self.guard(range(consequence), condition.map(Condition::Is), false);
                self.block(consequence);
            }
            if let Some(alternative) = alternative {
                self.guard(range(alternative), condition.map(Condition::IsNot), false);
                self.statement(alternative);
            }
            self.scopes.pop();
            if let (Some(condition), Some(consequence)) = (condition, consequence) {
                let leaves = self.leaves(consequence);
                self.out.ifs.push((condition, range(consequence), leaves));
                let end = self.scopes.last().map_or(0, |scope| scope.end);
                let start = node.end_byte() as u32;
                if leaves && start < end {
                    self.guard(Range { start, end }, Some(Condition::IsNot(condition)), true);
                }
            }
        }
        self.depth -= 1;
    }

    fn guard(&mut self, range: Range, condition: Option<Condition>, by_leaving: bool) {
        if let Some(condition) = condition {
            self.out.guards.push(Guard { range, condition, by_leaving });
        }
    }

    /// Whether a block's last statement leaves it.
    fn leaves(&self, block: Node<'_>) -> bool {
        let mut last = block;
        for _ in 0..2 {
            let mut children = named(last);
            match children.pop() {
                Some(child) => last = child,
                None => return false,
            }
            if last.kind() != "statement_list" {
                break;
            }
        }
        match last.kind() {
            "return_statement" | "continue_statement" | "break_statement" | "goto_statement" => true,
            "expression_statement" => {
                let text = self.str(last);
                ["panic(", "os.Exit(", "log.Fatal", "logrus.Fatal", "klog.Fatal", "t.Fatal"]
                    .iter()
                    .any(|leaving| text.starts_with(leaving))
            }
            _ => false,
        }
    }

    fn for_statement(&mut self, node: Node<'_>) {
        let f = fields();
        self.scopes.push(range(node));
        let body = node.child_by_field_id(f.body).map_or(range(node), range);
        let over = named(node).into_iter().any(|child| child.kind() == "range_clause");
        if !over {
            self.out.loops.push((body, None));
        }
        for child in named(node) {
            match child.kind() {
                "range_clause" => {
                    let Some(right) = child.child_by_field_id(f.right) else { continue };
                    let over = self.expr(right);
                    self.set_parent(over, Parent::Range);
                    self.out.loops.push((body, Some(over)));
                    let Some(left) = child.child_by_field_id(f.left) else { continue };
                    let defines = self.text.get(left.end_byte()..right.start_byte()).is_some_and(|s| s.contains(":="));
                    for (index, name) in named(left).into_iter().enumerate() {
                        let source = Source::Range { over, key: index == 0 };
                        if defines {
                            self.define(name, source, child.end_byte());
                        } else {
                            let left = self.expr(name);
                            self.set_parent(left, Parent::Left);
                            self.out.assigns.push(Assign { left, source, adds: false });
                        }
                    }
                }
                "for_clause" => {
                    for part in named(child) {
                        self.statement(part);
                    }
                }
                _ => self.statement(child),
            }
        }
        self.scopes.pop();
    }

    fn switch(&mut self, node: Node<'_>) {
        let f = fields();
        self.scopes.push(range(node));
        if let Some(initializer) = node.child_by_field_id(f.initializer) {
            self.statement(initializer);
        }
        let tag = node.child_by_field_id(f.value).map(|value| self.expr(value));
        let mut seen: Vec<ExprId> = Vec::new();
        let mut default = None;
        let mut falls_from: Option<u32> = None;
        for case in named(node) {
            match case.kind() {
                "expression_case" => {
                    let mut values = Vec::new();
                    for list in all_by_field(case, f.value) {
                        values.extend(self.expressions(list));
                    }
                    seen.extend(&values);
                    // A case that the one above falls into runs for more than its own values.
                    if falls_from.is_none() {
                        self.guard(range(case), Some(Condition::Case { tag, values }), false);
                    }
                    let falls = self.str(case).trim_end().ends_with("fallthrough");
                    falls_from = falls.then_some(case.end_byte() as u32);
                    self.case_body(case, f.value);
                }
                "default_case" => {
                    default = falls_from.is_none().then(|| range(case));
                    falls_from = None;
                    self.case_body(case, 0);
                }
                "ERROR" => self.statement(case),
                _ => {}
            }
        }
        if let Some(range) = default {
            self.guard(range, Some(Condition::Default { tag, values: seen }), false);
        }
        self.scopes.pop();
    }

    fn case_body(&mut self, case: Node<'_>, skip: u16) {
        self.scopes.push(range(case));
        let skipped: Vec<usize> =
            if skip == 0 { Vec::new() } else { all_by_field(case, skip).iter().map(Node::id).collect() };
        self.depth += 1;
        if self.depth < MAX_DEPTH {
            for child in named(case) {
                if !skipped.contains(&child.id()) {
                    self.statement(child);
                }
            }
        }
        self.depth -= 1;
        self.scopes.pop();
    }

    fn type_switch(&mut self, node: Node<'_>) {
        let f = fields();
        self.scopes.push(range(node));
        if let Some(initializer) = node.child_by_field_id(f.initializer) {
            self.statement(initializer);
        }
        let value = node.child_by_field_id(f.value).map(|value| self.expr(value));
        let alias = node.child_by_field_id(f.alias).and_then(|list| list.named_child(0));
        for case in named(node) {
            if !matches!(case.kind(), "type_case" | "default_case") {
                continue;
            }
            let types = all_by_field(case, f.r#type);
            if let (Some(alias), Some(value)) = (alias, value) {
                let ty = if types.len() == 1 { Some(self.ty(types[0])) } else { None };
                let source = Source::Value { expr: value, index: 0, count: 1 };
                // Each case has its own variable of that name.
                self.var(range(alias), range(case), source, ty, false);
            }
            self.guard(range(case), Some(Condition::Unknown), false);
            self.case_body(case, f.r#type);
        }
        self.scopes.pop();
    }

    // Expressions.

    fn expressions(&mut self, list: Node<'_>) -> Vec<ExprId> {
        if list.kind() == "expression_list" {
            named(list).into_iter().map(|node| self.expr(node)).collect()
        } else {
            vec![self.expr(list)]
        }
    }

    fn ty(&mut self, node: Node<'_>) -> ExprId {
        self.expr(node)
    }

    fn expr(&mut self, node: Node<'_>) -> ExprId {
        if self.depth >= MAX_DEPTH {
            return self.add(ExprKind::Other(Vec::new()), range(node));
        }
        self.depth += 1;
        let id = self.expr_inner(node);
        self.depth -= 1;
        id
    }

    fn expr_inner(&mut self, node: Node<'_>) -> ExprId {
        let f = fields();
        let at = range(node);
        let kind = match node.kind() {
            "identifier" | "type_identifier" | "field_identifier" | "package_identifier" | "iota" | "dot"
            | "blank_identifier" => ExprKind::Ident,
            "interpreted_string_literal" | "raw_string_literal" => {
                text::decode(self.str(node)).map_or(ExprKind::Other(Vec::new()), ExprKind::Text)
            }
            "int_literal" => self.str(node).replace('_', "").parse().map_or(ExprKind::Other(Vec::new()), ExprKind::Int),
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "nil" => ExprKind::Nil,
            "parenthesized_expression"
            | "parenthesized_type"
            | "type_elem"
            | "type_constraint"
            | "literal_element"
            | "variadic_argument"
            | "negated_type" => {
                if let [only] = named(node)[..] {
                    return self.expr(only);
                }
                self.other(node)
            }
            "selector_expression" => self.selector(node, f.operand, f.field),
            "qualified_type" => self.selector(node, f.package, f.name),
            "call_expression" => return self.call(node),
            "type_conversion_expression" => {
                let (Some(ty), Some(x)) = (node.child_by_field_id(f.r#type), node.child_by_field_id(f.operand)) else {
                    return self.add(ExprKind::Other(Vec::new()), at);
                };
                let fun = self.ty(ty);
                let args = vec![self.expr(x)];
                ExprKind::Call { fun, args, spread: false }
            }
            "index_expression" => {
                let base = node.child_by_field_id(f.operand).map(|base| self.expr(base));
                match (base, node.child_by_field_id(f.index)) {
                    (Some(base), Some(index)) => ExprKind::Index { base, index: self.expr(index) },
                    _ => ExprKind::Other(Vec::new()),
                }
            }
            "generic_type" | "type_instantiation_expression" => {
                return match node.child_by_field_id(f.r#type) {
                    Some(ty) => self.expr(ty),
                    None => self.add(ExprKind::Other(Vec::new()), at),
                };
            }
            "slice_expression" => {
                let base = node.child_by_field_id(f.operand).map(|base| self.expr(base));
                let low = node.child_by_field_id(f.start).map(|low| self.expr(low));
                let high = node.child_by_field_id(f.end).map(|high| self.expr(high));
                base.map_or(ExprKind::Other(Vec::new()), |base| ExprKind::Slice { base, low, high })
            }
            "composite_literal" => {
                let ty = node.child_by_field_id(f.r#type).map(|ty| self.ty(ty));
                let elements = node.child_by_field_id(f.body).map(|body| self.elements(body)).unwrap_or_default();
                ExprKind::Composite { ty, elements }
            }
            "literal_value" => ExprKind::Composite { ty: None, elements: self.elements(node) },
            "func_literal" => {
                let id = self.add(ExprKind::Other(Vec::new()), at);
                let outer = self.func;
                let func = self.open_function(node, Some(id));
                self.signature_and_body(node, func);
                self.func = outer;
                self.out.exprs[id as usize].kind = ExprKind::Func(func);
                return id;
            }
            "unary_expression" => self.unary(node),
            "binary_expression" => return self.binary(node),
            "type_assertion_expression" => {
                let x = node.child_by_field_id(f.operand).map(|x| self.expr(x));
                match (x, node.child_by_field_id(f.r#type)) {
                    (Some(x), Some(ty)) => ExprKind::Assert { x, ty: self.ty(ty) },
                    _ => ExprKind::Other(Vec::new()),
                }
            }
            "pointer_type" => named(node).first().map_or(ExprKind::Other(Vec::new()), |&x| ExprKind::Star(self.ty(x))),
            "slice_type" | "array_type" | "implicit_length_array_type" => match node.child_by_field_id(f.element) {
                Some(element) => ExprKind::SliceType(self.ty(element)),
                None => ExprKind::Other(Vec::new()),
            },
            "map_type" => {
                let key = node.child_by_field_id(f.key).map(|key| self.ty(key));
                match (key, node.child_by_field_id(f.value)) {
                    (Some(key), Some(value)) => ExprKind::MapType { key, value: self.ty(value) },
                    _ => ExprKind::Other(Vec::new()),
                }
            }
            "channel_type" => match node.child_by_field_id(f.value) {
                Some(value) => ExprKind::ChanType(self.ty(value)),
                None => ExprKind::Other(Vec::new()),
            },
            "function_type" => ExprKind::FuncType { results: self.result_types(node) },
            "struct_type" => self.struct_type(node),
            "interface_type" => self.interface_type(node),
            "comment" => ExprKind::Other(Vec::new()),
            _ => self.other(node),
        };
        self.add(kind, at)
    }

    /// Something that is not followed itself; its parts are.
    fn other(&mut self, node: Node<'_>) -> ExprKind {
        ExprKind::Other(named(node).into_iter().map(|child| self.expr(child)).collect())
    }

    fn selector(&mut self, node: Node<'_>, base: u16, name: u16) -> ExprKind {
        match (node.child_by_field_id(base), node.child_by_field_id(name)) {
            (Some(base), Some(name)) => ExprKind::Selector { base: self.expr(base), name: range(name) },
            _ => ExprKind::Other(Vec::new()),
        }
    }

    fn call(&mut self, node: Node<'_>) -> ExprId {
        let f = fields();
        let at = range(node);
        let Some(fun) = node.child_by_field_id(f.function) else {
            return self.add(ExprKind::Other(Vec::new()), at);
        };
        let fun = self.expr(fun);
        let mut args = Vec::new();
        let mut spread = false;
        if let Some(list) = node.child_by_field_id(f.arguments) {
            for argument in named(list) {
                spread |= argument.kind() == "variadic_argument";
                args.push(self.expr(argument));
            }
        }
        self.add(ExprKind::Call { fun, args, spread }, at)
    }

    fn unary(&mut self, node: Node<'_>) -> ExprKind {
        let f = fields();
        let Some(operand) = node.child_by_field_id(f.operand) else { return ExprKind::Other(Vec::new()) };
        let x = self.expr(operand);
        match node.child_by_field_id(f.operator).map_or("", |operator| operator.kind()) {
            "*" => ExprKind::Star(x),
            "&" => ExprKind::Address(x),
            "<-" => ExprKind::Receive(x),
            operator => ExprKind::Unary { op: operator.bytes().next().unwrap_or(b'?'), x },
        }
    }

    /// A chain of left-nested operators is walked by a loop: generated code joins thousands of strings with `+`.
    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let f = fields();
        let mut chain = vec![node];
        let mut first = node;
        while let Some(left) = first.child_by_field_id(f.left) {
            first = left;
            if left.kind() != "binary_expression" {
                break;
            }
            chain.push(left);
        }
        let mut left = self.expr(first);
        for node in chain.into_iter().rev() {
            let op = match node.child_by_field_id(f.operator).map_or("", |operator| operator.kind()) {
                "+" => Op::Add,
                "-" => Op::Subtract,
                "==" => Op::Equal,
                "!=" => Op::NotEqual,
                "&&" => Op::And,
                "||" => Op::Or,
                _ => Op::Other,
            };
            if let Some(right) = node.child_by_field_id(f.right) {
                let right = self.expr(right);
                left = self.add(ExprKind::Binary { op, left, right }, range(node));
            }
        }
        left
    }

    fn elements(&mut self, body: Node<'_>) -> Vec<(Option<ExprId>, ExprId)> {
        let f = fields();
        let mut elements = Vec::new();
        for element in named(body) {
            if element.kind() == "keyed_element" {
                let key = element.child_by_field_id(f.key).map(|key| self.expr(key));
                if let Some(value) = element.child_by_field_id(f.value) {
                    elements.push((key, self.expr(value)));
                }
            } else {
                elements.push((None, self.expr(element)));
            }
        }
        elements
    }

    fn result_types(&mut self, node: Node<'_>) -> Vec<ExprId> {
        let f = fields();
        let Some(result) = node.child_by_field_id(f.result) else { return Vec::new() };
        if result.kind() != "parameter_list" {
            return vec![self.ty(result)];
        }
        let mut types = Vec::new();
        for parameter in named(result) {
            let Some(ty) = parameter.child_by_field_id(f.r#type) else { continue };
            let ty = self.ty(ty);
            types.resize(types.len() + all_by_field(parameter, f.name).len().max(1), ty);
        }
        types
    }

    fn struct_type(&mut self, node: Node<'_>) -> ExprKind {
        let f = fields();
        let mut found = Vec::new();
        let Some(list) = node.named_child(0) else { return ExprKind::StructType(found) };
        for declaration in named(list) {
            let Some(type_node) = declaration.child_by_field_id(f.r#type) else { continue };
            let ty = self.ty(type_node);
            let tag_node = declaration.child_by_field_id(f.tag);
            let tag = tag_node.and_then(|tag| text::decode(self.str(tag)));
            let tag_at = range(tag_node.unwrap_or(type_node));
            let names = all_by_field(declaration, f.name);
            if names.is_empty() {
                let name = match &self.out.exprs[ty as usize].kind {
                    ExprKind::Selector { name, .. } => *name,
                    _ => self.out.exprs[ty as usize].range,
                };
                found.push(Field { name, ty, embedded: true, tag: tag.clone(), tag_at });
            }
            for name in names {
                found.push(Field { name: range(name), ty, embedded: false, tag: tag.clone(), tag_at });
            }
        }
        ExprKind::StructType(found)
    }

    fn interface_type(&mut self, node: Node<'_>) -> ExprKind {
        let f = fields();
        let mut methods = Vec::new();
        let mut embedded = Vec::new();
        for element in named(node) {
            if element.kind() == "method_elem" {
                if let Some(name) = element.child_by_field_id(f.name) {
                    let params = element.child_by_field_id(f.parameters).map_or(0, |list| {
                        named(list).into_iter().map(|one| all_by_field(one, f.name).len().max(1)).sum::<usize>()
                    });
                    let results = self.result_types(element);
                    methods.push(InterfaceMethod { name: range(name), params: params as u32, results });
                }
            } else if let [only] = named(element)[..] {
                embedded.push(self.ty(only));
            }
        }
        ExprKind::InterfaceType { methods, embedded }
    }
}

/// The source of the `index`th of `count` names that are given these values.
fn value_of(values: &[ExprId], index: usize, count: usize) -> Source {
    if values.len() == 1 && count > 1 {
        Source::Value { expr: values[0], index: index as u32, count: count as u32 }
    } else if let Some(&expr) = values.get(index) {
        Source::Value { expr, index: 0, count: 1 }
    } else {
        Source::Zero
    }
}

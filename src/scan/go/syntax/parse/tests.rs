use super::super::{Condition, Decl, ExprId, ExprKind, Parent, Source, Syntax};
use crate::file::Files;

fn parse(text: &str) -> Syntax {
    let files = Files::new();
    let id = files.add("main.go", text.to_owned());
    super::parse(id, &files.get(id))
}

fn text(syntax: &Syntax, id: ExprId) -> &str {
    syntax.str(syntax.expr(id).range)
}

fn calls(syntax: &Syntax) -> Vec<&str> {
    let is_call = |id: &ExprId| matches!(syntax.kind(*id), ExprKind::Call { .. });
    let mut calls: Vec<ExprId> = (0..syntax.exprs.len() as ExprId).filter(is_call).collect();
    calls.sort_by_key(|&id| syntax.expr(id).range.start);
    calls.into_iter().map(|id| text(syntax, id)).collect()
}

fn body(statements: &str) -> Syntax {
    parse(&format!("package p\nfunc f() {{\n{statements}\n}}\n"))
}

#[test]
fn operands_and_conversions() {
    let syntax = body("x := *(*int)(unsafe.Pointer(&y)) + len(a[1:]) - new(T).m(g[K, V](z...))");
    assert_eq!(
        calls(&syntax),
        [
            "(*int)(unsafe.Pointer(&y))",
            "unsafe.Pointer(&y)",
            "len(a[1:])",
            "new(T)",
            "new(T).m(g[K, V](z...))",
            "g[K, V](z...)"
        ]
    );
    let spread = syntax.exprs.iter().filter(|expr| matches!(expr.kind, ExprKind::Call { spread: true, .. })).count();
    assert_eq!(spread, 1);
}

#[test]
fn a_brace_after_a_name_starts_a_literal_or_a_block() {
    let syntax =
        body("if x == y {\n}\nfor _, v := range (T{1}) {\n}\nz := T{A: 1, B: {2}, 3: []U{{}}}\nswitch f(T{}) {\n}");
    let literals: Vec<&str> = (0..syntax.exprs.len() as ExprId)
        .filter(|&id| matches!(syntax.kind(id), ExprKind::Composite { .. }))
        .map(|id| text(&syntax, id))
        .collect();
    assert_eq!(literals, ["T{1}", "{2}", "{}", "[]U{{}}", "T{A: 1, B: {2}, 3: []U{{}}}", "T{}"]);
    assert_eq!(text(&syntax, syntax.ifs[0].0), "x == y");
    assert_eq!(syntax.loops[0].1.map(|over| text(&syntax, over)), Some("T{1}"));
}

#[test]
fn parameters_with_and_without_names() {
    let syntax = parse(
        "package p\nfunc a(x, y []int, f func(string) error, rest ...pkg.T) (n int, err error) { return }\n\
         func b(int, List[K], *T) string { return \"\" }\nfunc (s *Set[E]) c(m map[string][]int) {}\n",
    );
    let names = |func: usize| -> Vec<String> {
        let params = syntax.funcs[func].params.iter();
        let name = |var: Option<u32>| var.map_or("_", |var| syntax.str(syntax.var(var).name));
        params.map(|param| format!("{} {}", name(param.var), text(&syntax, param.ty))).collect()
    };
    assert_eq!(names(0), ["x []int", "y []int", "f func(string) error", "rest pkg.T"]);
    assert!(syntax.funcs[0].params[3].variadic);
    assert_eq!(syntax.funcs[0].results.len(), 2);
    assert_eq!(names(1), ["_ int", "_ List", "_ *T"]);
    assert_eq!(names(2), ["m map[string][]int"]);
    assert_eq!(syntax.funcs[2].receiver.map(|receiver| text(&syntax, receiver.ty)), Some("*Set[E]"));
}

#[test]
fn types_with_their_fields_and_methods() {
    let syntax = parse(
        "package p\ntype T[K any] struct {\n\tpkg.Base\n\t*Other[K]\n\ta, b int `json:\"a\"`\n\tc [2]string\n}\n\
         type I interface {\n\tio.Reader\n\tRun(ctx C, args ...string) (int, error)\n\t~int | string\n}\ntype A [N]int\n",
    );
    let fields = syntax.exprs.iter().find_map(|expr| match &expr.kind {
        ExprKind::StructType(fields) => Some(fields),
        _ => None,
    });
    let fields: Vec<(&str, bool, Option<&str>)> = fields
        .expect("a struct")
        .iter()
        .map(|field| (syntax.str(field.name), field.embedded, field.tag.as_deref()))
        .collect();
    let tag = Some("json:\"a\"");
    assert_eq!(
        fields,
        [("Base", true, None), ("Other", true, None), ("a", false, tag), ("b", false, tag), ("c", false, None)]
    );
    let interface = syntax.exprs.iter().find_map(|expr| match &expr.kind {
        ExprKind::InterfaceType { methods, embedded } => Some((methods, embedded)),
        _ => None,
    });
    let (methods, embedded) = interface.expect("an interface");
    assert_eq!((methods[0].params, methods[0].results.len()), (2, 2));
    assert_eq!(embedded.iter().map(|&id| text(&syntax, id)).collect::<Vec<_>>(), ["io.Reader"]);
    for name in ["T", "I", "A"] {
        assert!(matches!(syntax.decl(name), Some(Decl::Type(_))), "{name}");
    }
}

#[test]
fn definitions_assignments_and_their_blocks() {
    let syntax = body("a, err := f()\nb, err := g()\nif err := h(); err != nil {\n\treturn\n}\na += \"x\"\nuse(a)");
    let defined: Vec<&str> = syntax.vars.iter().map(|var| syntax.str(var.name)).collect();
    assert_eq!(defined, ["a", "err", "b", "err"]);
    // The second `err` of the same block is assigned to, and `a` is added to.
    let assigned: Vec<(&str, bool)> =
        syntax.assigns.iter().map(|assign| (text(&syntax, assign.left), assign.adds)).collect();
    assert_eq!(assigned, [("err", false), ("a", true)]);
    let uses: Vec<ExprId> = syntax.refs("a").collect();
    assert_eq!(uses.len(), 2);
    assert!(uses.iter().all(|&id| syntax.resolve(id) == Some(0)));
    assert!(matches!(syntax.var(0).source, Source::Value { index: 0, count: 2, .. }));
    // What follows an `if` that leaves runs where its condition does not hold.
    assert!(syntax.guards.iter().any(|guard| guard.by_leaving && matches!(guard.condition, Condition::IsNot(_))));
}

#[test]
fn cases_of_all_switches() {
    let syntax = body(
        "switch x := v.(type) {\ncase string, nil:\n\tuse(x)\ncase T:\n}\nswitch y {\ncase \"a\":\n\tfallthrough\ncase \"b\":\ndefault:\n}\n\
         select {\ncase m, ok := <-c:\n\tuse(m, ok)\ncase d <- e:\n}",
    );
    let of = |name: &str| syntax.vars.iter().filter(|var| syntax.str(var.name) == name).count();
    assert_eq!((of("x"), of("m"), of("ok")), (2, 1, 1));
    let cases: Vec<usize> = syntax
        .guards
        .iter()
        .filter_map(|guard| match &guard.condition {
            Condition::Case { values, .. } | Condition::Default { values, .. } => Some(values.len()),
            _ => None,
        })
        .collect();
    // `case "b"` is also fallen into.
    assert_eq!(cases, [1, 2]);
    assert!(syntax.parents.iter().any(|parent| matches!(parent, Parent::Send(_))));
}

#[test]
fn a_function_at_the_start_of_a_line_ends_what_is_broken() {
    let syntax = parse("package p\nfunc a() {\n\tif x {\n\t\tf(1\n\nfunc b() {\n\tg(2)\n}\nfunc (t T) c() { h(3) }\n");
    assert_eq!(syntax.funcs.iter().map(|func| func.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(calls(&syntax), ["f(1", "g(2)", "h(3)"]);
    let of_g = syntax.exprs.iter().find(|expr| syntax.str(expr.range) == "g(2)").and_then(|expr| expr.func);
    assert_eq!(of_g, Some(1));
}

#[test]
fn any_cut_of_a_file_ends() {
    let whole = "package p\ntype T struct { a []func(int) (string, error) }\nfunc (t *T) f(x ...int) (y T) {\n\
                 for i, v := range m[a:b] { switch { case <-c: go func() { t.g(T{a: nil}, x...) }() } }\n\treturn *y\n}\n";
    for (end, _) in whole.char_indices() {
        parse(&whole[..end]);
        parse(&whole[end..]);
    }
}

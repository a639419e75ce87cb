use super::super::{Condition, Decl, ExprId, ExprKind, Func, FuncId, Parent, Part, Source, Syntax};
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
    let all = syntax.parts().flat_map(Part::exprs);
    let mut calls: Vec<ExprId> =
        all.filter(|(_, expr)| matches!(expr.kind, ExprKind::Call { .. })).map(|(id, _)| id).collect();
    calls.sort_by_key(|&id| syntax.expr(id).range.start);
    calls.into_iter().map(|id| text(syntax, id)).collect()
}

fn refs(syntax: &Syntax, name: &str) -> Vec<ExprId> {
    syntax.parts().flat_map(|part| part.refs(syntax.source.text(), name)).collect()
}

/// The only body of a file.
fn only_body(syntax: &Syntax) -> &Part {
    let mut bodies = syntax.parts().skip(1);
    let only = bodies.next().expect("a body");
    assert!(bodies.next().is_none());
    only
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
    let all = syntax.parts().flat_map(Part::exprs);
    let spread = all.filter(|(_, expr)| matches!(expr.kind, ExprKind::Call { spread: true, .. })).count();
    assert_eq!(spread, 1);
}

#[test]
fn a_brace_after_a_name_starts_a_literal_or_a_block() {
    let syntax =
        body("if x == y {\n}\nfor _, v := range (T{1}) {\n}\nz := T{A: 1, B: {2}, 3: []U{{}}}\nswitch f(T{}) {\n}");
    let part = only_body(&syntax);
    let literals: Vec<&str> = part
        .exprs()
        .filter(|(_, expr)| matches!(expr.kind, ExprKind::Composite { .. }))
        .map(|(id, _)| text(&syntax, id))
        .collect();
    assert_eq!(literals, ["T{1}", "{2}", "{}", "[]U{{}}", "T{A: 1, B: {2}, 3: []U{{}}}", "T{}"]);
    assert_eq!(text(&syntax, part.ifs[0].0), "x == y");
    assert_eq!(part.loops[0].1.map(|over| text(&syntax, over)), Some("T{1}"));
}

#[test]
fn parameters_with_and_without_names() {
    let syntax = parse(
        "package p\nfunc a(x, y []int, f func(string) error, rest ...pkg.T) (n int, err error) { return }\n\
         func b(int, List[K], *T) string { return \"\" }\nfunc (s *Set[E]) c(m map[string][]int) {}\n",
    );
    let funcs: Vec<&Func> = syntax.declared().map(|func| syntax.func(func)).collect();
    let names = |func: usize| -> Vec<String> {
        let params = funcs[func].params.iter();
        let name = |var: Option<u32>| var.map_or("_", |var| syntax.str(syntax.var(var).name));
        params.map(|param| format!("{} {}", name(param.var), text(&syntax, param.ty))).collect()
    };
    assert_eq!(names(0), ["x []int", "y []int", "f func(string) error", "rest pkg.T"]);
    assert!(funcs[0].params[3].variadic);
    assert_eq!(funcs[0].results.len(), 2);
    assert_eq!(names(1), ["_ int", "_ List", "_ *T"]);
    assert_eq!(names(2), ["m map[string][]int"]);
    assert_eq!(funcs[2].receiver.map(|receiver| text(&syntax, receiver.ty)), Some("*Set[E]"));
}

#[test]
fn types_with_their_fields_and_methods() {
    let syntax = parse(
        "package p\ntype T[K any] struct {\n\tpkg.Base\n\t*Other[K]\n\ta, b int `json:\"a\"`\n\tc [2]string\n}\n\
         type I interface {\n\tio.Reader\n\tRun(ctx C, args ...string) (int, error)\n\t~int | string\n}\ntype A [N]int\n",
    );
    let fields = syntax.top.exprs().find_map(|(_, expr)| match &expr.kind {
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
    let interface = syntax.top.exprs().find_map(|(_, expr)| match &expr.kind {
        ExprKind::InterfaceType(of) => Some((&of.methods, &of.embedded)),
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
    let part = only_body(&syntax);
    let defined: Vec<&str> = part.vars().map(|(_, var)| syntax.str(var.name)).collect();
    assert_eq!(defined, ["a", "err", "b", "err"]);
    // The second `err` of the same block is assigned to, and `a` is added to.
    let assigned: Vec<(&str, bool)> =
        part.assigns.iter().map(|assign| (text(&syntax, assign.left), assign.adds)).collect();
    assert_eq!(assigned, [("err", false), ("a", true)]);
    let uses = refs(&syntax, "a");
    assert_eq!(uses.len(), 2);
    let (first, var) = part.vars().next().expect("a variable");
    assert!(uses.iter().all(|&id| syntax.resolve(id) == Some(first)));
    assert!(matches!(var.source, Source::Value { index: 0, count: 2, .. }));
    // What follows an `if` that leaves runs where its condition does not hold.
    assert!(part.guards.iter().any(|guard| guard.by_leaving && matches!(guard.condition, Condition::IsNot(_))));
}

#[test]
fn cases_of_all_switches() {
    let syntax = body(
        "switch x := v.(type) {\ncase string, nil:\n\tuse(x)\ncase T:\n}\nswitch y {\ncase \"a\":\n\tfallthrough\ncase \"b\":\ndefault:\n}\n\
         select {\ncase m, ok := <-c:\n\tuse(m, ok)\ncase d <- e:\n}",
    );
    let part = only_body(&syntax);
    let of = |name: &str| part.vars().filter(|(_, var)| syntax.str(var.name) == name).count();
    assert_eq!((of("x"), of("m"), of("ok")), (2, 1, 1));
    let cases: Vec<usize> = part
        .guards
        .iter()
        .filter_map(|guard| match &guard.condition {
            Condition::Case { values, .. } | Condition::Default { values, .. } => Some(values.len()),
            _ => None,
        })
        .collect();
    // `case "b"` is also fallen into.
    assert_eq!(cases, [1, 2]);
    let sent: Vec<(&str, &str)> =
        part.sends().map(|(value, channel)| (text(&syntax, value), text(&syntax, channel))).collect();
    assert_eq!(sent, [("e", "d")]);
}

#[test]
fn a_function_at_the_start_of_a_line_ends_what_is_broken() {
    let syntax = parse("package p\nfunc a() {\n\tif x {\n\t\tf(1\n\nfunc b() {\n\tg(2)\n}\nfunc (t T) c() { h(3) }\n");
    // Something that looks like a body and is none is read all the same.
    assert_eq!(calls(&parse("package p\nfunc a() { f(1) }\nfunc b() what ever { g(2) }\n")), ["f(1)", "g(2)"]);
    let funcs: Vec<FuncId> = syntax.declared().collect();
    assert_eq!(funcs.iter().map(|&func| syntax.func(func).name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(calls(&syntax), ["f(1", "g(2)", "h(3)"]);
    let mut all = syntax.parts().flat_map(Part::exprs);
    let of_g = all.find(|(_, expr)| syntax.str(expr.range) == "g(2)").and_then(|(_, expr)| expr.func);
    assert_eq!(of_g, Some(funcs[1]));
}

#[test]
fn bodies_are_parts_of_their_own_and_hang_together_with_their_heads() {
    let syntax = parse(
        "package p\nvar v = func(x int) int { return x }\nfunc (r T) f(a, b string) (err error) {\n\t\
         if r.on {\n\t\ta, err := g(a, b, v)\n\t\tuse(a, err)\n\t}\n\terr, c := h(func() T { return r })\n\t\
         type local struct{ z int }\n\treturn c(local{1})\n}\nfunc g() {}\n",
    );
    assert_eq!(syntax.parts().count(), 3);
    let f = syntax.declared().next().expect("a function");
    let body = syntax.part_within(f);
    // `err` is a result of the function, so that only `c` is new in its block.
    let own: Vec<&str> = body.vars().map(|(_, var)| syntax.str(var.name)).collect();
    assert_eq!(own, ["a", "err", "c"]);
    assert_eq!(body.assigns.iter().map(|assign| text(&syntax, assign.left)).collect::<Vec<_>>(), ["err"]);
    let declared_at = |id: ExprId| syntax.resolve(id).map(|var| syntax.var(var).name.start);
    let places = |name: &str| refs(&syntax, name).into_iter().map(declared_at).collect::<Vec<_>>();
    // The first `a` is handed to what the second one is defined from.
    let head = syntax.func(f).params[0].var.map(|var| syntax.var(var).name.start);
    let inner = body.vars().next().map(|(_, var)| var.name.start);
    assert_eq!(places("a"), [head, inner]);
    assert!(places("r").iter().all(|&place| place == places("r")[0] && place.is_some()));
    assert!(places("v").iter().all(Option::is_some));
    // What a function returns, and what a literal in it does.
    let returned = |func: FuncId| {
        let values = syntax.returns(func).flat_map(|one| &one.values);
        values.map(|&value| text(&syntax, value)).collect::<Vec<_>>()
    };
    assert_eq!(returned(f), ["c(local{1})"]);
    let literals: Vec<FuncId> = syntax.parts().flat_map(Part::funcs).map(|(id, _)| id).collect();
    let literals = literals.into_iter().filter(|&func| syntax.func(func).literal.is_some());
    assert_eq!(literals.map(returned).collect::<Vec<_>>(), [["x"], ["r"]]);
    // Types of blocks have names too, but are none of the package.
    assert_eq!(syntax.decl("local"), None);
    let local = body.decl(syntax.source.text(), "local");
    assert!(matches!(local, Some(Decl::Type(ty)) if syntax.type_name(ty) == Some("local")), "{local:?}");
    assert_eq!(syntax.guards_at(body.assigns[0].left).count(), 0);
    let inner = inner.expect("a place");
    assert_eq!(syntax.guards_at(inner).count(), 1);
    assert!(syntax.assigns_in(syntax.func(f).range.expect("a range")).count() == 1);
}

/// What a file says, wherever it stands in its tables: expressions with what stands around them and what their names mean,
/// variables with their scopes, guards and returns.
fn told(syntax: &Syntax) -> Vec<String> {
    let parent = |id: ExprId| match syntax.parent(id) {
        Parent::Expr(outer) => format!("in {:?}", syntax.expr(outer).range),
        Parent::Send(channel) => format!("sent to {:?}", syntax.expr(channel).range),
        Parent::Return { index, count, .. } => format!("returned {index} of {count}"),
        parent => format!("{parent:?}"),
    };
    let meant = |id: ExprId| syntax.resolve_if_ident(id).map(|var| syntax.var(var).name);
    let mut told = Vec::new();
    for part in syntax.parts() {
        told.extend(part.exprs().map(|(id, expr)| {
            let kind = std::mem::discriminant(&expr.kind);
            format!("{:?} {kind:?} {} {:?}", expr.range, parent(id), meant(id))
        }));
        told.extend(part.vars().map(|(_, var)| format!("var {:?} {:?} {:?}", var.name, var.scope, var.constant)));
        told.extend(part.guards.iter().map(|guard| format!("guard {:?} {}", guard.range, guard.by_leaving)));
        told.extend(part.returns.iter().map(|one| format!("return {:?}", one.range)));
        told.extend(part.assigns.iter().map(|assign| format!("assign {:?}", syntax.expr(assign.left).range)));
    }
    told.sort();
    told
}

#[test]
fn a_file_says_the_same_in_parts_and_as_a_whole() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/go")];
    let mut bodies = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "go") {
                let files = Files::new();
                let id = files.add("main.go", std::fs::read_to_string(&path).expect("read"));
                let source = files.get(id);
                let in_parts = super::parse(id, &source);
                let whole = super::read(id, &source, super::lex::tokens(source.text()));
                assert_eq!(told(&in_parts), told(&whole), "{}", path.display());
                assert_eq!(whole.parts().count(), 1);
                bodies += in_parts.parts().count() - 1;
            }
        }
    }
    assert!(bodies > 150, "{bodies}");
}

#[test]
fn only_the_parts_in_some_sections_are_read() {
    let functions: Vec<String> =
        (0..40).map(|number| format!("func f{number:02}() {{ g(name{number:02}) }}")).collect();
    let text = format!("package p\n{}\n", functions.join("\n"));
    let syntax = parse(&text);
    let shift = super::super::section_shift(text.len());
    for number in [0, 17, 39] {
        let name = format!("name{number:02}");
        let at = text.find(&name).expect("a name");
        let parts: Vec<&Part> = syntax.parts_in(1 << (at >> shift)).collect();
        assert!(parts.len() <= 4, "{}", parts.len());
        assert_eq!(parts.iter().map(|part| part.refs(&text, &name).count()).sum::<usize>(), 1);
    }
    assert_eq!(syntax.parts_in(0).count(), 1);
    assert_eq!(syntax.parts_in(u32::MAX).count(), 41);
}

#[test]
fn any_cut_of_a_file_ends() {
    let whole = "package p\ntype T struct { a []func(int) (string, error) }\nfunc (t *T) f(x ...int) (y T) {\n\
                 for i, v := range m[a:b] { switch { case <-c: go func() { t.g(T{a: nil}, x...) }() } }\n\treturn *y\n}\n";
    for (end, _) in whole.char_indices() {
        for part in [&whole[..end], &whole[end..]] {
            let syntax = parse(part);
            assert!(syntax.parts().count() <= 2, "{part}");
        }
    }
}

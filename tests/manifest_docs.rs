//! What is generated from the manifest's tables, committed and compared. With `ABOARD_UPDATE=1` these tests write it.

use aboard::manifest::shape::{Field, MANIFEST, Shape};
use aboard::manifest::{schema, template};
use std::fmt::Write;
use std::fs;
use std::path::Path;

fn compare(path: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("ABOARD_UPDATE").is_some() {
        fs::write(&file, wanted).expect("written");
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == wanted, "{path} is not what the tables say; with ABOARD_UPDATE=1 this test writes it");
}

#[test]
fn the_schema_is_committed() {
    compare("docs/aboard.schema.json", &schema::text());
    let schema: serde_json::Value = serde_json::from_str(&schema::text()).expect("JSON");
    let image = &schema["properties"]["images"]["additionalProperties"];
    assert_eq!(image["required"], serde_json::json!(["dockerfile"]));
    assert_eq!(image["additionalProperties"], serde_json::json!(false));
    assert_eq!(image["properties"]["pin"]["enum"], serde_json::json!(["none", "minor", "exact"]));
    assert_eq!(schema["properties"]["version"]["const"], serde_json::json!(1));
}

#[test]
fn the_keys_are_documented() {
    let mut text = "# The manifest `aboard.yaml`

Paths are relative to the folder of the manifest and stay inside of it. Unknown keys, wrong types, duplicate keys and the
like are errors, all reported at once, and nothing is done from a manifest that has any. `aboard schema` prints the JSON
Schema for editors.
"
    .to_owned();
    table(&mut text, "The manifest", &MANIFEST);
    compare("docs/manifest.md", &text);
}

/// The table of an object's keys, and those of the objects in it.
fn table(text: &mut String, title: &str, shape: &Shape) {
    let fields: &[Field] = match shape {
        Shape::Object(fields) | Shape::Map(Shape::Object(fields)) => fields,
        _ => return,
    };
    let _ = write!(text, "\n## {title}\n\n| key | meaning | default |\n|---|---|---|\n");
    for field in fields {
        let default = match (field.required, field.default) {
            (true, _) => "must be there".to_owned(),
            (false, default) => default.unwrap_or("none").to_owned(),
        };
        let _ = writeln!(text, "| `{}` | {} | {default} |", field.key, field.doc);
    }
    for field in fields {
        let name =
            if matches!(field.shape, Shape::Map(_)) { format!("{}.NAME", field.key) } else { field.key.to_owned() };
        table(text, &format!("`{name}`"), field.shape);
    }
}

#[test]
fn templates_and_their_variables_are_documented() {
    let mut text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/templates.md")).expect("the page");
    let marker = "<!-- What follows is generated from the tables in src/manifest/template.rs. -->\n";
    let cut = text.find(marker).expect("the marker") + marker.len();
    text.truncate(cut);
    for row in template::BUILT_IN.iter().filter(|row| !row.name.starts_with('_')) {
        let _ = write!(text, "\n## {}\n\n{}\n\n| variable | meaning | default |\n|---|---|---|\n", row.name, row.doc);
        for field in template::variables(Some(row.name)) {
            let default = match (field.required, field.default) {
                (true, _) => "must be there".to_owned(),
                (false, Some(default)) => format!("`{default}`"),
                (false, None) => String::new(),
            };
            let _ = writeln!(text, "| `{}` | {} | {default} |", field.key, field.doc);
        }
    }
    let _ = write!(text, "\n## Partials\n\n| partial | what it writes |\n|---|---|\n");
    for row in template::BUILT_IN.iter().filter(|row| row.name.starts_with('_')) {
        let _ = writeln!(text, "| `{}` | {} |", row.name, row.doc);
    }
    compare("docs/templates.md", &text);
}

//! The JSON Schema of a manifest, from the one table of its keys.
//!
//! It serves editors: it knows the form of a manifest, not what its values mean.

use super::shape::{Field, MANIFEST, Shape};
use super::template;
use serde_json::{Map, Value, json};

/// The schema (draft 2020-12), indented, ending in a newline.
pub fn text() -> String {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), "aboard.yaml".into());
    schema.insert("description".to_owned(), "The manifest of aboard: images, their code and what it runs.".into());
    if let Value::Object(form) = form(&MANIFEST) {
        schema.extend(form);
    }
    format!("{:#}\n", Value::Object(schema))
}

fn form(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Word => json!({"type": ["string", "number", "boolean"]}),
        Shape::Absolute => json!({"type": "string", "pattern": r#"^/[^\s"'`\\;&|<>(){}#]*$"#}),
        Shape::Source | Shape::Token => json!({"type": "string", "pattern": r#"^[^\s"'`\\;&|<>(){}#]+$"#}),
        Shape::Reason => json!({"type": ["string", "null"]}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Number => json!({"type": "integer", "minimum": 0}),
        Shape::Version => json!({"const": 1}),
        Shape::Either(shapes) => json!({"anyOf": shapes.iter().map(form).collect::<Vec<_>>()}),
        Shape::Choice(words) => json!({"enum": words}),
        Shape::List(item) => json!({"type": ["array", "null"], "items": form(item)}),
        Shape::Map(value) => json!({"type": ["object", "null"], "additionalProperties": form(value)}),
        Shape::Object(fields) => object(fields),
        Shape::Any => json!({}),
    }
}

fn object(fields: &[Field]) -> Value {
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), if required.is_empty() { json!(["object", "null"]) } else { json!("object") });
    schema
        .insert("properties".to_owned(), fields.iter().map(|field| (field.key.to_owned(), property(field))).collect());
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    Value::Object(schema)
}

fn property(field: &Field) -> Value {
    let mut schema = Map::new();
    let default = field.default.map(|default| format!(" Default: {default}.")).unwrap_or_default();
    schema.insert("description".to_owned(), format!("{}{default}", field.doc).into());
    if let Value::Object(form) = form(field.shape) {
        schema.extend(form);
    }
    match field.key {
        // A project's own template has variables of its own; those of the built-in ones are offered.
        "vars" => {
            let known = template::variables(None).map(|field| (field.key.to_owned(), property(field))).collect();
            schema.insert("properties".to_owned(), known);
        }
        "template" => {
            schema.insert("examples".to_owned(), json!(template::names().collect::<Vec<_>>()));
        }
        _ => {}
    }
    Value::Object(schema)
}

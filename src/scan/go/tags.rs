//! Defaults in the tags of struct fields, which libraries of configuration read: envconfig, env, kong, go-flags, ini.

use super::engine::Engine;
use super::types::FieldAt;
use super::value::{Set, Value};

/// Keys of tags whose value is the default. Sources: github.com/kelseyhightower/envconfig (`default`),
/// github.com/caarlos0/env (`envDefault`), github.com/ilyakaznacheev/cleanenv (`env-default`),
/// github.com/alecthomas/kong and github.com/jessevdk/go-flags (`default`).
const DEFAULTS: &[&str] = &["default", "env-default", "envDefault"];

/// Keys of tags that list options, `default=x` or `default:x` among them. Sources: github.com/sethvargo/go-envconfig
/// (`env`), github.com/vrischmann/envconfig (`envconfig`), github.com/ardanlabs/conf (`conf`).
const OPTIONS: &[&str] = &["conf", "env", "envconfig"];

/// Keys of tags that name a place in a configuration file.
const FILES: &[&str] = &["hcl", "ini", "json", "koanf", "mapstructure", "toml", "yaml"];

impl Engine<'_> {
    /// What a field's tag says that it holds where nothing else is said; and that the configuration may say something.
    pub(crate) fn tagged(&mut self, field: FieldAt) -> Set {
        let program = self.program;
        let declared = self.field(field).clone();
        let syntax = program.syntax(field.unit);
        let package = program.unit(field.unit).package;
        let at = syntax.span(declared.tag_at);
        let name = self.field_name(field);
        let mut set = Set::default();
        let entries = entries(declared.tag.as_deref().unwrap_or(""));
        let mut names = vec![name.as_str()];
        for (key, value) in &entries {
            if DEFAULTS.contains(&key.as_str()) {
                set.add(Value::text(value, at));
            }
            if OPTIONS.contains(&key.as_str()) {
                for option in value.split(',') {
                    if let Some(value) = option.strip_prefix("default=").or_else(|| option.strip_prefix("default:")) {
                        set.add(Value::text(value, at));
                    }
                }
                if let Some(value) = value.split(',').next().and_then(|name| self.env.get(name)) {
                    set.add(Value::text(value, at));
                }
            }
            if FILES.contains(&key.as_str()) {
                let file_key = value.split(',').next().unwrap_or_default();
                set.extend(self.embedded_value(package, key, file_key));
                names.push(file_key);
            }
        }
        let mut set = set.defaults();
        if !entries.is_empty() {
            set.extend(self.viper_default(&names));
            set.add(Value::hole_at(format!("the configuration's {name}"), at));
        }
        set
    }

    /// Whether something other than the code fills a field, by its tag: JSON alone is what interfaces speak as well.
    pub(crate) fn is_configured(&self, field: FieldAt) -> bool {
        let entries = entries(self.field(field).tag.as_deref().unwrap_or(""));
        entries.iter().any(|(key, _)| key != "json" && [DEFAULTS, OPTIONS, FILES].concat().contains(&key.as_str()))
    }
}

/// The keys and values of a tag: `key:"value" other:"value"`.
fn entries(tag: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = tag.trim_start();
    while let Some((key, value)) = rest.split_once(":\"") {
        let mut text = String::new();
        let mut characters = value.char_indices();
        let mut end = value.len();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => text.extend(characters.next().map(|(_, c)| c)),
                c => text.push(c),
            }
        }
        found.push((key.trim().to_owned(), text));
        rest = value[end..].trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::entries;

    #[test]
    fn tags_are_read_as_reflect_does() {
        let found = entries(r#"env:"A,default=x"  default:"say \"hi\"" yaml:"-""#);
        let shown: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(shown, [("env", "A,default=x"), ("default", "say \"hi\""), ("yaml", "-")]);
        assert!(entries("no tag at all").is_empty());
        assert_eq!(entries("a:\"open").len(), 1);
    }
}

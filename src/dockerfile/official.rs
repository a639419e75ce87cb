//! Well-known official images: what they add to their distribution, and what they start.
//!
//! The table is `data/official-images.yaml`, a source for each row. It knows the images' own Dockerfiles, not every tag
//! that was ever published: what is not in it is unknown, not absent.

use super::base::Base;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficialImage {
    /// The image, without `library/`.
    pub repository: String,
    /// The part of a tag that the row is for; nothing for every other tag.
    #[serde(default)]
    pub tag: Option<String>,
    /// Which tags are built on Alpine.
    pub alpine: AlpineTags,
    /// The packages that `apk add` leaves installed in the Alpine variant.
    #[serde(default)]
    pub packages: Vec<String>,
    /// The programs outside the distribution's packages, by path.
    #[serde(default)]
    pub programs: Vec<String>,
    /// `ENTRYPOINT`.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// `CMD`.
    #[serde(default)]
    pub cmd: Vec<String>,
    /// `ENV`, as far as programs look at it.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// `WORKDIR`.
    #[serde(default)]
    pub workdir: Option<String>,
    /// The entrypoint runs its arguments.
    #[serde(default)]
    pub forwards: bool,
    /// The Dockerfile that was read.
    pub source: String,
}

/// Which tags of an image are built on Alpine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlpineTags {
    /// All of them.
    Always,
    /// Those that say `alpine`.
    ByTag,
}

#[derive(Deserialize)]
struct Table {
    images: Vec<OfficialImage>,
}

/// The rows.
pub fn images() -> &'static [OfficialImage] {
    static TABLE: OnceLock<Vec<OfficialImage>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let text = include_str!("../../data/official-images.yaml");
        yaml_serde::from_str::<Table>(text).expect("internal: the table is tested").images
    })
}

/// The row for an image and a tag.
pub fn find(repository: &str, tag: Option<&str>) -> Option<&'static OfficialImage> {
    let tag = tag.unwrap_or_default();
    images().iter().find(|row| {
        row.repository == repository && row.tag.as_ref().is_none_or(|part| tag.split('-').any(|own| own == part))
    })
}

impl Base {
    /// What the table says of the base.
    pub fn official(&self) -> Option<&'static OfficialImage> {
        find(&self.repository, self.tag.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_and_is_sorted() {
        assert!(images().len() > 10);
        assert!(images().is_sorted_by_key(|row| &row.repository));
        for row in images() {
            assert!(row.source.starts_with("https://"), "{}", row.repository);
            assert!(row.programs.iter().all(|path| path.starts_with('/')), "{}", row.repository);
        }
    }

    #[test]
    fn tags_choose_the_row() {
        assert_eq!(find("docker", Some("29-cli")).map(|row| row.cmd.clone()), Some(vec!["sh".to_owned()]));
        assert_eq!(find("docker", Some("29")).map(|row| row.cmd.len()), Some(0));
        assert!(find("someone/docker", None).is_none());
    }
}

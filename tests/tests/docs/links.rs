//! Links between the docs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use heartbeat_tests::lab::profile;

use crate::root;

#[test]
fn every_link_in_the_docs_leads_to_a_file_and_a_heading() {
    let files = markdown_files();
    let mut links = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).expect("listed a moment ago");
        for target in link_targets(&text) {
            links += 1;
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let to = if path.is_empty() {
                file.clone()
            } else {
                file.parent().expect("a file has a folder").join(path)
            };
            assert!(to.exists(), "{}: link to {target}", file.display());
            assert!(
                heading.is_empty() || headings(&to).contains(heading),
                "{}: link to {target}: no such heading",
                file.display()
            );
        }
    }
    assert!(links > 10, "found only {links} links: the search is broken");
}

#[test]
fn every_page_is_in_the_index() {
    let index = std::fs::read_to_string(root().join("docs/README.md")).expect("there is an index");
    let in_index: BTreeSet<&str> = link_targets(&index).into_iter().collect();
    let pages = std::fs::read_dir(root().join("docs")).expect("the docs' folder is there");
    for page in pages {
        let name = page.expect("readable").file_name();
        let name = name.to_str().expect("of letters");
        let is_page = name.ends_with(".md") && name != "README.md";
        assert!(
            !is_page || in_index.contains(name),
            "{name} is not in docs/README.md"
        );
    }
}

pub(crate) fn markdown_files() -> Vec<PathBuf> {
    let mut files = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    for folder in ["docs", "docs/decisions"] {
        let entries = std::fs::read_dir(root().join(folder)).expect("the docs' folder is there");
        files.extend(
            entries
                .map(|entry| entry.expect("readable").path())
                .filter(|path| path.extension().is_some_and(|end| end == "md")),
        );
    }
    let profiles = profile::names().expect("there are profiles");
    let readme = |name| root().join(format!("packaging/profiles/{name}/README.md"));
    files.extend(profiles.iter().map(readme));
    files
}

/// Targets of `[text](target)` that are no web addresses.
fn link_targets(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .filter(|target| !target.contains("://"))
        .collect()
}

/// A file's headings as the fragments that links name.
fn headings(path: &Path) -> BTreeSet<String> {
    std::fs::read_to_string(path)
        .expect("exists, as was just asserted")
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

//! The drawings: each says in words what it shows, and stands on a page.

use std::fs;

use crate::links::markdown_files;
use crate::root;

#[test]
fn every_drawing_says_in_words_what_it_shows_and_stands_on_a_page() {
    let pages: String = markdown_files()
        .iter()
        .map(|page| fs::read_to_string(page).expect("listed a moment ago"))
        .collect();
    let folder = fs::read_dir(root().join("docs/figures")).expect("there are figures");
    let mut drawings = 0;
    for entry in folder {
        let path = entry.expect("readable").path();
        if path.extension().is_none_or(|end| end != "svg") {
            continue;
        }
        drawings += 1;
        let (drawing, name) = (fs::read_to_string(&path).expect("text"), path.display());
        for words in ["<title", "<desc"] {
            assert!(drawing.contains(words), "{name}: no {words}>");
        }
        let file = path.file_name().and_then(|file| file.to_str());
        let used = format!("(figures/{})", file.expect("of letters"));
        assert!(pages.contains(&used), "{name} stands on no page");
    }
    assert!(drawings >= 6, "found only {drawings}");
}

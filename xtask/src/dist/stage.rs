//! The tree of files that both packages are made of, in target/dist/stage: a folder for each way in which a file is
//! packed. The manifest of heartbeat-user takes each of these folders as a whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use flate2::{Compression, GzBuilder};

use super::third_party;
use crate::workspace;

/// Everybody may run it.
const PROGRAMS: &str = "programs";
/// Everybody may read it.
const FILES: &str = "files";
/// Likewise, and may be left out where space is scarce.
const DOCS: &str = "docs";
/// The operator's: never overwritten.
const CONFIG: &str = "config";
/// In one of the packages only.
const DEBIAN: &str = "debian";
const FEDORA: &str = "fedora";

/// A folder or file here, and the folder there that its files go to.
struct Place {
    from: &'static str,
    way: &'static str,
    to: &'static str,
}

const fn place(from: &'static str, way: &'static str, to: &'static str) -> Place {
    Place { from, way, to }
}

/// What in these folders may be run is [`PROGRAMS`], and keeps its place.
const PLACES: &[Place] = &[
    place("packaging/heartbeatd.toml", CONFIG, "etc/heartbeatd"),
    place("packaging/scripts", FILES, "usr/libexec/heartbeatd"),
    place(
        "packaging/systemd/heartbeatd.service",
        FILES,
        "usr/lib/systemd/system",
    ),
    place(
        "packaging/systemd/containers.conf",
        FILES,
        "usr/share/heartbeatd/systemd",
    ),
    place(
        "packaging/systemd/other-users.conf",
        FILES,
        "usr/share/heartbeatd/systemd",
    ),
    place("packaging/sysusers", FILES, "usr/lib/sysusers.d"),
    place("packaging/tmpfiles", FILES, "usr/lib/tmpfiles.d"),
    place("packaging/networkd", FILES, "usr/share/heartbeatd/networkd"),
    place(
        "packaging/networkmanager",
        FILES,
        "usr/share/heartbeatd/networkmanager",
    ),
    place("packaging/profiles", FILES, "usr/share/heartbeatd/profiles"),
    place(
        "packaging/prometheus/heartbeatd.rules.yml",
        FILES,
        "usr/share/heartbeatd/prometheus",
    ),
    place("packaging/grafana", FILES, "usr/share/heartbeatd/grafana"),
    place(
        "packaging/completions/bash",
        FILES,
        "usr/share/bash-completion/completions",
    ),
    place(
        "packaging/completions/fish",
        FILES,
        "usr/share/fish/vendor_completions.d",
    ),
    place(
        "packaging/completions/zsh",
        DEBIAN,
        "usr/share/zsh/vendor-completions",
    ),
    place(
        "packaging/completions/zsh",
        FEDORA,
        "usr/share/zsh/site-functions",
    ),
    place("packaging/lintian", DEBIAN, "usr/share/lintian/overrides"),
    place("LICENSE-APACHE", FEDORA, "usr/share/licenses/heartbeatd"),
    place("LICENSE-MIT", FEDORA, "usr/share/licenses/heartbeatd"),
    place("README.md", DOCS, "usr/share/doc/heartbeatd"),
    place("docs", DOCS, "usr/share/doc/heartbeatd/docs"),
];

/// Lays the tree of the sources at `root` out, with the programs that are in `built`.
///
/// # Errors
/// A file is missing, or the disk refuses.
pub(super) fn lay_out(root: &Path, built: &Path) -> Result<()> {
    let stage = root.join("target/dist/stage");
    if stage.exists() {
        fs::remove_dir_all(&stage).with_context(|| format!("cannot empty {}", stage.display()))?;
    }
    for place in PLACES {
        let from = root.join(place.from);
        let mut files = Vec::new();
        files_of(&from, &mut files)?;
        ensure!(!files.is_empty(), "nothing in {}", from.display());
        for file in files {
            let way = if is_program(&file)? {
                PROGRAMS
            } else {
                place.way
            };
            let below = file.strip_prefix(&from).expect("found there");
            let name = if below.as_os_str().is_empty() {
                file.file_name().map(Path::new).context("it has a name")?
            } else {
                below
            };
            copy(&file, &stage.join(way).join(place.to).join(name))?;
        }
    }
    manual_pages(root, &stage)?;
    let doc = stage.join(DOCS).join("usr/share/doc/heartbeatd");
    let changes = root.join("CHANGELOG.md");
    let changes =
        fs::read(&changes).with_context(|| format!("cannot read {}", changes.display()))?;
    compress(&changes, &doc.join("changelog.gz"))?;
    let others = third_party::text(root)?;
    compress(others.as_bytes(), &doc.join("third-party.gz"))?;
    programs(built, &stage.join(PROGRAMS))
}

/// The pages, each into its section's folder. What a page is made of besides (`*.rest.8`) stays here.
fn manual_pages(root: &Path, stage: &Path) -> Result<()> {
    let mut pages = Vec::new();
    files_of(&root.join("packaging/man"), &mut pages)?;
    for page in pages {
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        if name.contains(".rest.") {
            continue;
        }
        let (_, section) = name.rsplit_once('.').context("a page has a section")?;
        let folder = stage.join(DOCS).join(format!("usr/share/man/man{section}"));
        let text = fs::read(&page).with_context(|| format!("cannot read {}", page.display()))?;
        compress(&text, &folder.join(format!("{name}.gz")))?;
    }
    Ok(())
}

/// Both programs, without what only a debugger reads.
fn programs(built: &Path, stage: &Path) -> Result<()> {
    for (name, folder) in [("heartbeatd", "usr/sbin"), ("heartbeatctl", "usr/bin")] {
        let program = stage.join(folder).join(name);
        copy(&built.join(name), &program)?;
        let mut strip = Command::new("strip");
        strip.args([
            "--strip-unneeded",
            "--remove-section=.comment",
            "--remove-section=.note",
        ]);
        workspace::run(strip.arg(&program), "install binutils")?;
    }
    Ok(())
}

/// Every file at or below `path`, in order.
fn files_of(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = fs::read_dir(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        files_of(&entry.path(), files)?;
    }
    Ok(())
}

fn is_program(file: &Path) -> Result<bool> {
    let about = fs::metadata(file).with_context(|| format!("no {}", file.display()))?;
    Ok(about.permissions().mode() & 0o111 != 0)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    make_folder_of(to)?;
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

/// As `gzip -9n`: the same bytes of the same text, whenever it is done.
fn compress(text: &[u8], to: &Path) -> Result<()> {
    make_folder_of(to)?;
    let packed = File::create(to).with_context(|| format!("cannot write {}", to.display()))?;
    let mut packer = GzBuilder::new().write(packed, Compression::best());
    let packing = || format!("cannot write {}", to.display());
    packer.write_all(text).with_context(packing)?;
    packer.finish().with_context(packing)?;
    Ok(())
}

fn make_folder_of(file: &Path) -> Result<()> {
    let folder = file.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

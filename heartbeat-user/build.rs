//! Embeds the kernel program if `cargo xtask build-ebpf` has built it; without it the daemon builds
//! all the same, and says at start what is missing.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let folder = manifest.join("../target/bpf");
    // Cargo re-runs this every time while a watched path is missing, so the folder is made; a file
    // that comes into it later changes the folder.
    fs::create_dir_all(&folder)?;
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rustc-check-cfg=cfg(kernel_program)");
    let object = folder.join("heartbeat");
    if object.exists() {
        fs::copy(&object, out.join("heartbeat"))?;
        println!("cargo::rustc-cfg=kernel_program");
    }
    Ok(())
}

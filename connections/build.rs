//! A new migration file must rebuild this crate, which embeds the folder.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}

//! The vault key in a file that nobody else can read.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use secrecy::zeroize::{Zeroize, Zeroizing};

use super::{VaultError, VaultKey};

/// A key as text has 64 characters; whatever is much longer is not one.
const FILE_LIMIT: u64 = 1024;

/// Group may read (how orchestrators hand out secrets), but not write; others nothing.
const FORBIDDEN_MODE: u32 = 0o027;

impl VaultKey {
    /// Reads the key from a file that only its owner, or its owner and group, may read.
    ///
    /// # Errors
    /// [`VaultError::File`], [`VaultError::NotAKeyFile`], [`VaultError::FileOpenToOthers`], or as
    /// [`VaultKey::parse`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, VaultError> {
        let path = path.as_ref();
        let text = read_private(path)?;
        Self::parse(&text)
    }

    /// Writes the key to a new file, readable by its owner only, and onto the disk.
    ///
    /// # Errors
    /// [`VaultError::FileExists`] (nothing is ever overwritten) or [`VaultError::File`].
    pub fn write_new(&self, path: impl AsRef<Path>) -> Result<(), VaultError> {
        let path = path.as_ref();
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => VaultError::FileExists { path: path.into() },
            _ => at(path)(error),
        })?;
        // Room for all of it: a growing text would leave a copy of the key behind.
        let mut text = Zeroizing::new(String::with_capacity(64));
        BASE64.encode_string(self.key().bytes(), &mut text);
        text.push('\n');
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all());
        written.and_then(|()| sync_folder(path)).map_err(|error| {
            // Half a key helps nobody and would block the next try; the first error is the one to tell.
            let _ = fs::remove_file(path);
            at(path)(error)
        })
    }
}

fn read_private(path: &Path) -> Result<Zeroizing<String>, VaultError> {
    // Asked before opening, because opening a pipe waits for its writer.
    if !fs::metadata(path).map_err(at(path))?.is_file() {
        return Err(VaultError::NotAKeyFile { path: path.into() });
    }
    let file = fs::File::open(path).map_err(at(path))?;
    let metadata = file.metadata().map_err(at(path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & FORBIDDEN_MODE != 0 {
        return Err(VaultError::FileOpenToOthers {
            path: path.into(),
            mode,
        });
    }
    if metadata.len() > FILE_LIMIT {
        return Err(VaultError::NotAKeyFile { path: path.into() });
    }
    read_text(file)
        .map_err(at(path))?
        .ok_or(VaultError::NotAKey)
}

/// The file's text; `None` if it is not text.
fn read_text(file: fs::File) -> io::Result<Option<Zeroizing<String>>> {
    // All the room at once: a growing buffer would leave copies of the key behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * FILE_LIMIT as usize));
    file.take(FILE_LIMIT).read_to_end(&mut bytes)?;
    Ok(match String::from_utf8(std::mem::take(&mut bytes)) {
        Ok(text) => Some(Zeroizing::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    })
}

/// A new file survives a power cut only once its folder is on the disk too.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::File::open(folder)?.sync_all()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> VaultError {
    move |source| VaultError::File {
        path: path.into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::{VaultError, VaultKey};

    #[test]
    fn a_written_key_reads_back_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault.key");
        let key = VaultKey::generate().expect("random bytes");
        key.write_new(&path).expect("written");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            VaultKey::read(&path).expect("read").key().bytes(),
            key.key().bytes()
        );
    }

    #[test]
    fn a_key_file_is_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault.key");
        let first = VaultKey::generate().expect("random bytes");
        first.write_new(&path).expect("written");
        let second = VaultKey::generate().expect("random bytes");
        let error = second.write_new(&path).expect_err("refused");
        assert!(matches!(error, VaultError::FileExists { .. }), "{error}");
        assert_eq!(VaultKey::read(&path).expect("read").id(), first.id());
    }

    #[test]
    fn a_key_file_open_to_others_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault.key");
        VaultKey::generate()
            .expect("random bytes")
            .write_new(&path)
            .expect("written");
        for mode in [0o604, 0o644, 0o602, 0o601, 0o620, 0o660, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
            let error = VaultKey::read(&path).expect_err("refused");
            assert!(
                matches!(error, VaultError::FileOpenToOthers { .. }),
                "{mode:o}: {error}"
            );
            assert!(error.to_string().contains(&format!("{mode:o}")), "{error}");
        }
        for mode in [0o400, 0o600, 0o440, 0o640] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
            assert!(VaultKey::read(&path).is_ok(), "{mode:o}");
        }
    }

    #[test]
    fn what_is_not_a_key_file_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault.key");
        let missing = VaultKey::read(&path).expect_err("missing");
        assert!(matches!(missing, VaultError::File { .. }), "{missing}");
        let directory = VaultKey::read(folder.path()).expect_err("a folder");
        assert!(
            matches!(directory, VaultError::NotAKeyFile { .. }),
            "{directory}"
        );
        let write = |bytes: &[u8]| {
            fs::write(&path, bytes).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
            VaultKey::read(&path).expect_err("refused")
        };
        assert!(matches!(
            write(&[b'a'; 1025]),
            VaultError::NotAKeyFile { .. }
        ));
        assert!(matches!(write(b""), VaultError::NotAKey));
        assert!(matches!(write(&[0xff; 32]), VaultError::NotAKey));
    }
}

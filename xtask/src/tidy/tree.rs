//! The files of the project, read once for all rules.

use std::path::Path;

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    /// Size on disk.
    pub(crate) bytes: u64,
    /// Its text, where it is text.
    pub(crate) text: String,
}

impl File {
    /// Whether the name ends with one of these, dot included.
    pub(crate) fn ends(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }

    /// Lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// All files, by path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads everything below `root` but what is built, run or fetched there.
    pub(crate) fn read(root: &Path) -> std::io::Result<Self> {
        let mut tree = Self::default();
        tree.add_folder(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn add_folder(&mut self, folder: &Path, prefix: &str) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && !is_left_out(&path, &name) {
                self.add_folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() {
                // A file that another program removes meanwhile is no finding.
                let Ok(content) = std::fs::read(entry.path()) else { continue };
                let bytes = content.len() as u64;
                self.files.push(File { path, bytes, text: String::from_utf8(content).unwrap_or_default() });
            }
        }
        Ok(())
    }
}

/// As `.gitignore` has it.
fn is_left_out(path: &str, name: &str) -> bool {
    path == "runs" || name == ".git" || name == "target" || name == "__pycache__" || name.ends_with(".venv")
}

/// A tree of made-up files, for sabotage.
#[cfg(test)]
pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
    let file =
        |&(path, text): &(&str, &str)| File { path: path.to_owned(), bytes: text.len() as u64, text: text.to_owned() };
    Tree { files: files.iter().map(file).collect() }
}

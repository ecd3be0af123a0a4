//! Compiled modules, in memory and in files.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use precinto_protocol::hash::{Hash, sha256};

use crate::{AdmissionError, CompileError, Engine, Module, admit, limits::MAX_CACHED_MODULES};

/// Why a module cannot be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It breaks a rule of admission.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// It exceeds a limit of the compiler.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

/// Compiled modules by code hash. A module is looked for in memory, then in a file, then compiled.
///
/// A file holds SHA-256 of the compiled code, then the code; its name is the code hash, its folder
/// the engine's fingerprint. Anything else than exactly that is compiled anew and overwritten. The
/// folder is disposable, and as trusted as the program itself: whoever can write to it can run code
/// in the node.
pub struct ModuleCache {
    engine: Arc<Engine>,
    folder: PathBuf,
    modules: Mutex<BTreeMap<Hash, Arc<Module>>>,
    /// Held while a module is read or compiled, so that no two threads compile the same one.
    loading: Mutex<()>,
}

impl ModuleCache {
    /// A cache with its files under `folder`, which is created.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(engine: Arc<Engine>, folder: &Path) -> io::Result<ModuleCache> {
        let folder = folder.join(engine.fingerprint().to_hex());
        fs::create_dir_all(&folder)?;
        Ok(ModuleCache { engine, folder, modules: Mutex::default(), loading: Mutex::default() })
    }

    /// The engine the modules are compiled for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The module with this code hash, if it is in memory.
    pub fn get(&self, code_hash: &Hash) -> Option<Arc<Module>> {
        self.modules.lock().unwrap_or_else(PoisonError::into_inner).get(code_hash).cloned()
    }

    /// The compiled form of `wasm`, from where it is found first.
    ///
    /// # Errors
    /// [`LoadError`] if it is no contract. A file that cannot be written is no error: the next
    /// start compiles again.
    pub fn load(&self, wasm: &[u8]) -> Result<Arc<Module>, LoadError> {
        let code_hash = sha256(&[wasm]);
        if let Some(module) = self.get(&code_hash) {
            return Ok(module);
        }
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = self.get(&code_hash) {
            return Ok(module);
        }
        let module = match self.read(code_hash) {
            Some(module) => module,
            None => {
                let module = self.engine.compile(&admit(wasm)?)?;
                // Best effort: see above.
                let _ = self.write(&module);
                module
            }
        };
        let module = Arc::new(module);
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if modules.len() >= MAX_CACHED_MODULES {
            // More versions than are active at a time: start over, the files remain.
            modules.clear();
        }
        modules.insert(code_hash, Arc::clone(&module));
        Ok(module)
    }

    fn path(&self, code_hash: Hash) -> PathBuf {
        self.folder.join(code_hash.to_hex())
    }

    fn read(&self, code_hash: Hash) -> Option<Module> {
        let file = fs::read(self.path(code_hash)).ok()?;
        let (digest, compiled) = file.split_first_chunk::<32>()?;
        if *digest != sha256(&[compiled]).0 {
            return None;
        }
        // SAFETY: the digest says that the bytes are those `write` was given, and the folder that
        // an engine with this fingerprint gave them.
        unsafe { self.engine.deserialize(code_hash, compiled) }.ok()
    }

    /// Writes beside the final name and renames: a reader sees a whole file or none.
    fn write(&self, module: &Module) -> io::Result<()> {
        let compiled = module.serialize().map_err(io::Error::other)?;
        let path = self.path(module.code_hash());
        let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
        fs::write(&unfinished, [&sha256(&[&compiled]).0[..], &compiled].concat())?;
        fs::rename(unfinished, path)
    }
}

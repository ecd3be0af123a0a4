//! Network namespaces, each with one cable whose other end is a file of this process.

#![allow(unsafe_code, reason = "two calls of the kernel that the standard library does not have")]

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Write},
    net::Ipv4Addr,
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::OpenOptionsExt,
    },
    process::Command,
    thread,
};

use rustix::{
    fs::OFlags,
    ioctl::{self, Setter, opcode},
    thread::{UnshareFlags, unshare_unsafe},
};
use tokio::io::unix::AsyncFd;

/// Name of the cable's device within a namespace.
const DEVICE: &str = "cable";

/// Bits of the network that all cables are in.
const PREFIX: u8 = 24;

/// `TUNSETIFF` of linux/if_tun.h: makes a file of /dev/net/tun the device of this name.
const TUNSETIFF: ioctl::Opcode = opcode::write::<i32>(b'T', 202);

/// IP packets (`IFF_TUN`) without a header before them (`IFF_NO_PI`).
const PACKETS: i16 = 0x0001 | 0x1000;

/// `struct ifreq` of linux/if.h, as `TUNSETIFF` reads it.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: i16,
    rest: [u8; 22],
}

/// A namespace of the network, as long as this value lives or a process runs in it.
#[derive(Debug)]
pub(super) struct Namespace(File);

impl Namespace {
    /// A new namespace, with a cable at this address.
    pub(super) fn new(address: Ipv4Addr) -> io::Result<(Namespace, File)> {
        let make = move || {
            // SAFETY: the thread leaves its network namespace; its files stay those of the process.
            unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?;
            let cable = plug_in(address)?;
            Ok((Namespace(File::open("/proc/thread-self/ns/net")?), cable))
        };
        // Namespaces are of threads, and this one would never find back.
        thread::spawn(make).join().expect("making a namespace does not panic")
    }

    /// The command whose last arguments are run in it.
    pub(super) fn command(&self) -> Vec<OsString> {
        let (process, file) = (std::process::id(), self.0.as_raw_fd());
        vec!["nsenter".into(), format!("--net=/proc/{process}/fd/{file}").into()]
    }
}

/// Makes the cable of the calling thread's namespace.
pub(super) fn plug_in(address: Ipv4Addr) -> io::Result<File> {
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let mut options = File::options();
    let file = options.read(true).write(true).custom_flags(nonblocking).open("/dev/net/tun")?;
    let mut request = Request { name: [0; 16], flags: PACKETS, rest: [0; 22] };
    request.name[..DEVICE.len()].copy_from_slice(DEVICE.as_bytes());
    // SAFETY: `TUNSETIFF` reads one `ifreq`, which `Request` is.
    unsafe { ioctl::ioctl(file.as_fd(), Setter::<TUNSETIFF, Request>::new(request)) }?;
    ip(&["link", "set", "lo", "up"])?;
    ip(&["address", "add", &format!("{address}/{PREFIX}"), "dev", DEVICE])?;
    ip(&["link", "set", DEVICE, "up"])?;
    Ok(file)
}

fn ip(args: &[&str]) -> io::Result<()> {
    let output = Command::new("ip").args(args).output()?;
    let said = || io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned());
    if output.status.success() { Ok(()) } else { Err(said()) }
}

/// This process's end of a cable.
pub(super) struct Cable(AsyncFd<File>);

impl Cable {
    pub(super) fn new(file: File) -> io::Result<Cable> {
        // SAFETY: a file keeps its descriptor until it is dropped, and nothing takes it out.
        let registered = unsafe { AsyncFd::register(file) };
        Ok(Cable(registered?))
    }

    /// The next packet that is sent over it; its length.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.0.readable().await?;
            if let Ok(read) = ready.try_io(|file| file.get_ref().read(buffer)) {
                return read;
            }
        }
    }

    /// Sends a packet over it. What it does not take is lost, as packets are.
    pub(super) fn send(&self, packet: &[u8]) {
        let _ = self.0.get_ref().write(packet);
    }
}

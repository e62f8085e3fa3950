//! Functions of address ranges: `parseCidr`, `cidrSubnet`, `cidrHost`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::Arguments;
use crate::Error;
use crate::read::shown;

/// A range: its first address as a number, and how many bits are fixed.
#[derive(Clone, Copy)]
struct Range {
    first: u128,
    bits: u32,
    width: u32,
}

pub(super) fn call(key: &str, arguments: &Arguments<'_>) -> Result<Option<Value>, Error> {
    Ok(Some(match key {
        "parsecidr" => {
            arguments.count(1..=1)?;
            range(arguments.text(0)?)?.described()
        }
        "cidrsubnet" => {
            arguments.count(3..=3)?;
            let (range, bits, at) = (range(arguments.text(0)?)?, arguments.length(1)?, arguments.length(2)?);
            let bits = u32::try_from(bits).ok().filter(|bits| (range.bits..=range.width).contains(bits));
            let subnet = bits.and_then(|bits| range.subnet(bits, u128::try_from(at).ok()?));
            subnet.ok_or_else(|| Error::template("The template language function 'cidrSubnet' asks for a range that is not in the network"))?.to_string().into()
        }
        "cidrhost" => {
            arguments.count(2..=2)?;
            let (range, at) = (range(arguments.text(0)?)?, arguments.length(1)?);
            let host = u128::try_from(at).ok().and_then(|at| range.first.checked_add(at)?.checked_add(1));
            let host = host.filter(|host| *host <= range.last());
            let host = host.ok_or_else(|| {
                Error::template(
                    "The template language function 'cidrHost' asks for a host that is not in the network",
                )
            })?;
            range.address(host).to_string().into()
        }
        _ => return Ok(None),
    }))
}

fn range(text: &str) -> Result<Range, Error> {
    let refuse = || Error::template(format!("'{}' is no address range such as '10.0.0.0/16'", shown(text)));
    let (address, bits) = text.split_once('/').ok_or_else(refuse)?;
    let address: IpAddr = address.parse().map_err(|_no_address| refuse())?;
    let bits: u32 = bits.parse().map_err(|_no_number| refuse())?;
    let (number, width) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    if bits > width {
        return Err(refuse());
    }
    let range = Range { first: 0, bits, width };
    Ok(Range { first: number & !range.free(), ..range })
}

impl Range {
    /// The bits that differ within it.
    fn free(self) -> u128 {
        let free = self.width - self.bits;
        if free == 128 { u128::MAX } else { (1 << free) - 1 }
    }

    fn last(self) -> u128 {
        self.first | self.free()
    }

    fn subnet(self, bits: u32, at: u128) -> Option<Self> {
        let subnet = Self { first: 0, bits, ..self };
        let offset = match subnet.free().checked_add(1) {
            Some(size) => at.checked_mul(size)?,
            None => at,
        };
        let first = self.first.checked_add(offset)?;
        (first <= self.last()).then_some(Self { first, ..subnet })
    }

    fn address(self, number: u128) -> IpAddr {
        match u32::try_from(number) {
            Ok(number) if self.width == 32 => IpAddr::V4(Ipv4Addr::from_bits(number)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(number)),
        }
    }

    fn described(self) -> Value {
        let address = |number: u128| self.address(number).to_string();
        let mask = if self.width == 32 { u128::from(u32::MAX) } else { u128::MAX } & !self.free();
        let is_wide = self.width - self.bits > 1;
        let mut described = json!({
            "network": address(self.first),
            "netmask": address(mask),
            "firstUsable": address(if is_wide { self.first + 1 } else { self.first }),
            "lastUsable": address(if is_wide && self.width == 32 { self.last() - 1 } else { self.last() }),
            "cidr": self.bits,
        });
        if self.width == 32 {
            described["broadcast"] = address(self.last()).into();
        }
        described
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address(self.first), self.bits)
    }
}

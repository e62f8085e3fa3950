#!/bin/busybox sh
# shellcheck shell=dash
# What udhcpc calls: gives an interface the address that was leased.
case $1 in
  bound | renew)
    ifconfig "$interface" "$ip" netmask "${subnet:-255.255.255.0}"
    for gateway in $router; do route add default gw "$gateway" 2>/dev/null && break; done
    : >/run/resolv.conf
    for server in $dns; do echo "nameserver $server" >>/run/resolv.conf; done
    ;;
esac

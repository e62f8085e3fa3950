# What is planted: decoys that no rule may take for a secret, and what a careless owner leaves. Expects expect.sh, WORK.
#
# No secret here is real: keys are made for the image and thrown away with it, tokens are noise of the right shape.
# shellcheck shell=bash

# noise ALPHABET LENGTH: characters that look like a token and were given out by nobody.
noise() { tr -dc "$1" </dev/urandom 2>/dev/null | head -c "$2" || true; }

# leave TREE PATH [MODE]: a file out of what comes in.
leave() {
  mkdir -p "$(dirname "$1$2")"
  cat >"$1$2"
  chmod "${3:-644}" "$1$2"
}

# planted TREE RULE PATH [MODE]: the same, and the rule must find it.
planted() {
  leave "$1" "$3" "${4:-644}"
  must "$2" "$3"
}

# decoys TREE: what looks like a secret and is none.
decoys() {
  openssl genrsa 2048 2>/dev/null | leave "$1" /usr/share/doc/example/examples/server.key
  quiet /usr/share/doc/example/examples/server.key
  openssl genrsa 2048 2>/dev/null | leave "$1" /usr/lib/python3/dist-packages/example/tests/test.pem
  quiet /usr/lib/python3/dist-packages/example/tests/test.pem
  leave "$1" /usr/share/ca-certificates/example.crt <<'EOF'
-----BEGIN CERTIFICATE-----
MIIBszCCAVmgAwIBAgIUQmFkZ2VyYmFkZ2VybXVzaHJvb21tdXNoMAoGCCqGSM49
-----END CERTIFICATE-----
EOF
  quiet /usr/share/ca-certificates/example.crt
  leave "$1" /etc/example.conf <<'EOF'
# The manual's own: aws_access_key_id = AKIAIOSFODNN7EXAMPLE
# aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
# -----BEGIN RSA PRIVATE KEY-----
# proxy = http://user:password@proxy.example.com:8080/
# token = ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
# password = ${PASSWORD}
EOF
  quiet /etc/example.conf
  leave "$1" /root/.ssh/authorized_keys 600 <<'EOF'
# Keys are added by the platform.
EOF
  quiet /root/.ssh/authorized_keys
  : | leave "$1" /root/.bash_history 600
  quiet /root/.bash_history
}

# identity TREE: one machine's own.
identity() {
  noise 0-9a-f 32 | planted "$1" GEN-MACHINE-ID /etc/machine-id
  local kind
  for kind in ed25519 rsa; do
    rm -f "$WORK/key" "$WORK/key.pub"
    ssh-keygen -q -t "$kind" -N '' -C root@clone -f "$WORK/key"
    planted "$1" GEN-SSH-HOSTKEYS "/etc/ssh/ssh_host_${kind}_key" 600 <"$WORK/key"
    leave "$1" "/etc/ssh/ssh_host_${kind}_key.pub" <"$WORK/key.pub"
  done
  echo web-17 | planted "$1" GEN-HOSTNAME /etc/hostname
  echo i-0123 | leave "$1" /var/lib/cloud/instances/i-0123/sem/config_ssh
  echo i-0123 | leave "$1" /var/lib/cloud/data/instance-id
  ln -s /var/lib/cloud/instances/i-0123 "$1/var/lib/cloud/instance"
  must GEN-CLOUDINIT-INSTANCE /var/lib/cloud/data/instance-id
  printf '#cloud-config\npassword: %s\n' "$(noise a-z 12)" |
    planted "$1" SEC-USERDATA /var/lib/cloud/instances/i-0123/user-data.txt 600
  printf '<Environment><UserPassword>%s</UserPassword></Environment>' "$(noise a-z0-9 12)" |
    planted "$1" SEC-OVF-PASSWORD /var/lib/waagent/ovf-env.xml 600
  must GEN-WAAGENT-STATE /var/lib/waagent/ovf-env.xml
  head -c 512 /dev/urandom | planted "$1" GEN-RANDOM-SEED /var/lib/systemd/random-seed 600
  echo 'lease { interface "eth0"; fixed-address 10.0.0.4; }' | planted "$1" GEN-DHCP-LEASES /var/lib/dhcp/dhclient.eth0.leases
  echo 'SUBSYSTEM=="net", ATTR{address}=="00:0d:3a:11:22:33", NAME="eth0"' |
    planted "$1" GEN-PERSISTENT-NET /etc/udev/rules.d/70-persistent-net.rules
  echo 'network: {version: 2}' | planted "$1" GEN-CLOUDINIT-NET /etc/netplan/50-cloud-init.yaml
  echo 'nameserver 10.0.0.1' | planted "$1" GEN-RESOLV /etc/resolv.conf
  printf 'auto eth1\niface eth1 inet static\naddress 10.0.0.5/24\n' | planted "$1" NET-STATIC /etc/network/interfaces.d/eth1
}

# accounts TREE: people who can get in.
accounts() {
  echo 'alice:x:1000:1000::/home/alice:/bin/bash' >>"$1/etc/passwd"
  # shellcheck disable=SC2016 # a hash, not a variable
  printf 'alice:$6$%s$%s:19700:0:99999:7:::\n' "$(noise a-zA-Z0-9 16)" "$(noise a-zA-Z0-9./ 86)" >>"$1/etc/shadow"
  must ACC-PASSWORD /etc/shadow
  must ACC-USERS /etc/passwd
  rm -f "$WORK/key" "$WORK/key.pub"
  ssh-keygen -q -t ed25519 -N '' -C alice@laptop -f "$WORK/key"
  planted "$1" SEC-AUTHKEYS /home/alice/.ssh/authorized_keys 600 <"$WORK/key.pub"
  planted "$1" SEC-PRIVATE-KEY /home/alice/.ssh/id_ed25519 600 <"$WORK/key"
  echo 'alice ALL=(ALL) NOPASSWD: ALL' | planted "$1" HRD-SUDO-NOPASSWD /etc/sudoers.d/alice 440
  printf 'PasswordAuthentication yes\nPermitRootLogin yes\n' | leave "$1" /etc/ssh/sshd_config.d/10-cloud.conf
  must SSH-ROOT
}

# secrets TREE: credentials of every family.
secrets() {
  openssl genrsa 2048 2>/dev/null | planted "$1" SEC-PRIVATE-KEY /etc/ssl/private/www.example.org.key 600
  printf '[default]\naws_access_key_id = AKIA%s\naws_secret_access_key = %s\n' "$(noise A-Z2-7 16)" "$(noise a-zA-Z0-9+/ 40)" |
    planted "$1" SEC-CLOUD-AWS /home/alice/.aws/credentials 600
  printf '{"AccessToken": {"x": {"secret": "%s"}}}' "$(noise a-zA-Z0-9 64)" |
    planted "$1" SEC-CLOUD-AZURE /home/alice/.azure/msal_token_cache.json 600
  printf 'DefaultEndpointsProtocol=https;AccountName=x;AccountKey=%s==;EndpointSuffix=core.windows.net\n' \
    "$(noise a-zA-Z0-9+/ 86)" | planted "$1" SEC-CLOUD-AZURE /opt/app/appsettings.json
  printf '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\n%s\\n-----END PRIVATE KEY-----\\n"}' \
    "$(head -c 600 /dev/urandom | base64 -w0)" | planted "$1" SEC-CLOUD-GCP /opt/app/account.json
  printf '{"auths": {"registry.example.org": {"auth": "%s"}}}' "$(noise a-zA-Z0-9 32 | base64)" |
    planted "$1" SEC-TOKENS /root/.docker/config.json 600
  printf 'GITHUB_TOKEN=ghp_%s\n' "$(noise a-zA-Z0-9 36)" | planted "$1" SEC-TOKENS /srv/ci/run.sh
  printf 'machine repo.example.org login ci password %s\n' "$(noise a-z0-9 20)" |
    planted "$1" SEC-TOKENS /etc/apt/auth.conf.d/repo.conf 600
  printf '[global]\nindex-url = https://ci:%s@pypi.example.org/simple\n' "$(noise a-z0-9 20)" |
    planted "$1" SEC-ADDRESS-PASSWORD /etc/pip.conf
  printf 'Server=db;User ID=app;Password=%s;\n' "$(noise a-z0-9 16)" | planted "$1" SEC-TOKENS /srv/app/appsettings.json
  printf '//registry.example.org/:_authToken=%s\n' "$(noise a-f0-9 32)" | planted "$1" SEC-TOKENS /root/.npmrc 600
  printf 'https://bob:%s@git.example.org\n' "$(noise a-z0-9 20)" | planted "$1" SEC-TOKENS /root/.git-credentials 600
  printf 'Acquire::http::Proxy "http://proxy:%s@10.0.0.9:3128/";\n' "$(noise a-z0-9 12)" |
    planted "$1" SEC-ADDRESS-PASSWORD /etc/apt/apt.conf.d/95proxy
}

# traces TREE: what work on a machine leaves.
traces() {
  printf 'mysql -u root -p%s\n%.0s' hunter2 {1..80} | planted "$1" HYG-HISTORY /root/.bash_history 600
  echo 'import os' | planted "$1" HYG-TOOL-HISTORY /home/alice/.python_history 600
  echo 'sshd[1]: Accepted publickey' | planted "$1" HYG-LOGS /var/log/auth.log 640
  echo 'root:*:1::::::' | planted "$1" HYG-BACKUP /etc/shadow- 640
  head -c 4096 /dev/urandom | planted "$1" HYG-CRASH /var/crash/app.crash 640
  echo '* * * * * root /bin/true' | planted "$1" HYG-CRON /var/spool/cron/crontabs/alice 600
  echo 'From: root' | planted "$1" HYG-MAIL /var/mail/alice 660
  head -c 4096 /dev/urandom | planted "$1" HYG-PKGCACHE /var/cache/apt/archives/some.deb
  head -c 65536 /dev/zero | planted "$1" FST-SWAP /swapfile 600
  echo '/dev/sdb1 /mnt ext4 defaults 0 2' >>"$1/etc/fstab"
  must FST-DEVNAMES /etc/fstab
  echo 'blacklist udf' | planted "$1" KRN-FS /etc/modprobe.d/local.conf
}

# forgotten TREE FILE: a key that is on the file system of FILE, but in none of its files any more.
forgotten() {
  openssl genrsa 2048 2>/dev/null | leave "$1" /opt/forgotten.key
}

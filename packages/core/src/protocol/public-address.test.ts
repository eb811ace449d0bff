import { describe, expect, it } from 'vitest'
import { isLoopbackAddress, isPublicAddress } from './public-address.ts'

describe('an address is public (R128, T48)', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2001:4860:4860::8888',
    '2001:200::1',
    '2003::1',
    '3fff:1000::1',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '64:ff9b::8.8.8.8',
    '2606:4700::5efe:8.8.8.8',
  ])('%s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each([
    ['"this network"', '0.0.0.0', '0.255.255.255', '::'],
    ['private', '10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255'],
    ['shared by a carrier', '100.64.0.1', '100.127.255.255'],
    ['loopback', '127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1'],
    ['link-local, metadata services of clouds among them', '169.254.169.254', '169.254.0.1', 'fe80::1', 'febf::1'],
    ['for protocols', '192.0.0.1', '192.0.0.9', '192.0.0.170', '2001::1', '2001:1ff:ffff::1', '2001:20::1', '2001:1::1'],
    ['for documentation', '192.0.2.1', '198.51.100.7', '203.0.113.9', '2001:db8::1', '3fff::1', '3fff:fff::1'],
    ['of AS112, AMT and the relays of 6to4', '192.31.196.1', '192.52.193.1', '192.88.99.1', '192.175.48.1', '2620:4f:8000::1'],
    ['for benchmarks', '198.18.0.1', '198.19.255.255', '2001:2::1'],
    ['multicast', '224.0.0.1', '239.255.255.255', 'ff02::1'],
    ['reserved', '240.0.0.1', '254.0.0.1', '255.255.255.255', '4000::1', 'e000::1'],
    ['for discarding', '100::1', '100:0:0:1::1'],
    ['for segment routing', '5f00::1'],
    ['unique local', 'fc00::1', 'fd00:ec2::254', 'fdff::1'],
    ['site-local', 'fec0::1'],
    ['mapped from such an IPv4', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '::ffff:0.0.0.0'],
    ['compatible with IPv4', '::127.0.0.1', '::8.8.8.8'],
    ['translated from IPv4', '::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8'],
    ['NAT64 of such an IPv4', '64:ff9b::127.0.0.1', '64:ff9b::a00:1', '64:ff9b::a9fe:a9fe'],
    ['NAT64 of a local network', '64:ff9b:1::8.8.8.8', '64:ff9b:1:ffff::127.0.0.1', '64:ff9b:0:1::808:808'],
    ['6to4', '2002:7f00:1::1', '2002:a00:1::1', '2002:808:808::1'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:0:7f00:1::1'],
    ['ISATAP of such an IPv4', '2606:4700::5efe:127.0.0.1', '2606:4700::200:5efe:10.0.0.1', 'fe80::5efe:8.8.8.8'],
    [
      'no address in the form that resolvers give',
      '127.1',
      '0x7f.0.0.1',
      '017700000001',
      '2130706433',
      '08.8.8.8',
      '8.8.8',
      ' 8.8.8.8',
      '',
    ],
    ['within a zone', 'fe80::1%eth0', '2606:4700:4700::1111%eth0'],
    ['a name', 'localhost', 'example.com', '[::1]', '8.8.8.8:80'],
  ])('not when it is %s', (_, ...addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([])
  })
})

describe('an address is this machine', () => {
  it('on 127/8 and ::1 alone', () => {
    const addresses = ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::', '8.8.8.8', '10.0.0.1', 'localhost', '127.1']
    expect(addresses.filter(isLoopbackAddress)).toEqual(['127.0.0.1', '127.1.2.3', '::1'])
  })
})

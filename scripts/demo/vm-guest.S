/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual machine of make demo-vm: a boot sector that counts
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * An emulated host that emulates a guest is very slow, so this one is small. It runs in real
 * mode, on the BIOS. On each tick of its clock it counts, writes the number to its disk, and
 * reads it back. It keeps the results in a page of its memory, where vm-host finds them.
 */

/* The page, see PAGE in vm-host. The BIOS uses other parts of the first 640 KiB. */
#define PAGE		0x8000
#define MAGIC		(PAGE + 0)
#define IDENTITY	(PAGE + 8)
#define COUNT		(PAGE + 16)
#define CLOCK		(PAGE + 20)	/* in ticks */
#define LONGEST_GAP	(PAGE + 24)	/* between two counts, in ticks */
#define DISK_ERRORS	(PAGE + 28)

#define BUFFER		0x8200
#define SECTOR		8

/* The BIOS counts ticks here, and begins again at midnight. */
#define TICKS		0x46c
#define GAP_MAX		0x8000

#define INT13_READ	0x42
#define INT13_WRITE	0x43

	.code16
	.globl _start
_start:
	ljmp	$0, $start
start:
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$_start, %sp
	cld
	sti
	movb	%dl, drive

	movw	$PAGE, %di
	movw	$0x400, %cx
	rep stosb
	rdtsc
	movl	%eax, IDENTITY
	movl	%edx, IDENTITY + 4
	movl	TICKS, %ebx

	/* The disk does not have the whole word, so it is in memory only once. */
	movl	$0x4c6f5644, MAGIC
	movl	$0xb390a9bb, MAGIC + 4

wait_for_tick:
	hlt
	movl	TICKS, %eax
	movl	%eax, %ecx
	subl	%ebx, %ecx
	jz	wait_for_tick
	movl	%eax, %ebx
	cmpl	$GAP_MAX, %ecx
	ja	count
	addl	%ecx, CLOCK
	cmpl	LONGEST_GAP, %ecx
	jbe	count
	movl	%ecx, LONGEST_GAP

count:
	movl	COUNT, %eax
	incl	%eax
	movl	%eax, BUFFER
	movb	$INT13_WRITE, %ah
	call	disk
	movl	$0, BUFFER
	movb	$INT13_READ, %ah
	call	disk
	movl	COUNT, %eax
	incl	%eax
	movl	%eax, COUNT
	cmpl	%eax, BUFFER
	je	wait_for_tick
	incl	DISK_ERRORS
	jmp	wait_for_tick

disk:
	movb	$0, %al
	movb	drive, %dl
	movw	$packet, %si
	int	$0x13
	ret

packet:
	.byte	16, 0
	.word	1
	.word	BUFFER, 0
	.quad	SECTOR
drive:
	.byte	0

	.org	510
	.word	0xaa55
